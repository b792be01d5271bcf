"""The extensions that come with Expanda; each module is one kind of source."""
