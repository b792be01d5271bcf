"""How a page's text says that it redirects: `#`, a word, and a link."""

from __future__ import annotations

import re
from functools import lru_cache

# The words that MediaWiki knows in a wiki of this language, beside REDIRECT, which every wiki knows.
_WORDS = {
    "af": "AANSTUUR",
    "ar": "تحويل",
    "arz": "تحويل",
    "be": "перанакіраванне, перанакіраваньне",
    "bg": "пренасочване, виж",
    "br": "ADKAS",
    "bs": "PREUSMJERI",
    "cs": "PŘESMĚRUJ",
    "cy": "AIL-CYFEIRIO, ailgyfeirio",
    "de": "WEITERLEITUNG",
    "el": "ΑΝΑΚΑΤΕΥΘΥΝΣΗ",
    "eo": "ALIDIREKTU",
    "es": "REDIRECCIÓN, REDIRECCION",
    "et": "suuna",
    "eu": "BIRZUZENDU",
    "fa": "تغییر_مسیر, تغییرمسیر",
    "fi": "OHJAUS, UUDELLEENOHJAUS",
    "fr": "REDIRECTION",
    "ga": "athsheoladh",
    "gl": "REDIRECCIÓN",
    "he": "הפניה",
    "hi": "पुनर्प्रेषित, अनुप्रेषित",
    "hr": "PREUSMJERI",
    "hu": "ÁTIRÁNYÍTÁS",
    "hy": "ՎԵՐԱՀՂՈՒՄ",
    "id": "ALIH",
    "is": "tilvísun",
    "it": "RINVIA, RINVIO, RIMANDO",
    "ja": "転送, リダイレクト",
    "ka": "გადამისამართება",
    "kk": "АЙДАУ",
    "ko": "넘겨주기",
    "lt": "PERADRESAVIMAS",
    "mk": "пренасочување, види",
    "ml": "തിരിച്ചുവിടുക",
    "mr": "पुनर्निर्देशन",
    "ms": "LENCONG",
    "nb": "OMDIRIGERING",
    "nl": "DOORVERWIJZING",
    "nn": "omdiriger",
    "no": "OMDIRIGERING",
    "pl": "PATRZ, PRZEKIERUJ, TAM",
    "pt": "REDIRECIONAMENTO",
    "ro": "REDIRECTEAZA",
    "ru": "перенаправление, перенапр",
    "sh": "PREUSMJERI, preusmeri",
    "sk": "presmeruj",
    "sl": "PREUSMERITEV",
    "sq": "RIDREJTO",
    "sr": "преусмери, preusmeri",
    "sv": "OMDIRIGERING",
    "ta": "வழிமாற்று",
    "te": "దారిమార్పు",
    "th": "เปลี่ยนทาง",
    "tr": "YÖNLENDİRME, YÖNLENDİR",
    "tt": "ЮНӘЛТҮ, YÜNÄLTÜ",
    "uk": "перенаправлення, перенапр",
    "vi": "đổi",
    "yi": "ווייטערפירן",
    "zh": "重定向, 重新導向",
}


@lru_cache(maxsize=8)
def redirect_pattern(language: str) -> re.Pattern[str]:
    """Return what matches the beginning of a redirecting page's text in a wiki of this language."""
    words = ["REDIRECT", *filter(None, _WORDS.get(language.partition("-")[0], "").split(", "))]
    either = "|".join(re.escape(word).replace("_", "[_ ]") for word in words)
    return re.compile(rf"\s*[#＃]\s*(?:{either})\s*:?\s*\[\[", re.IGNORECASE)
