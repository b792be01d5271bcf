"""Link prefixes that show nothing in the text: files, categories, and the other languages of a wiki."""

from __future__ import annotations

from collections.abc import Mapping

_DROPPED_NAMESPACES = (-2, 6, 14)  # Media, File, Category
_ENGLISH = frozenset({"file", "image", "media", "category"})  # understood by every wiki
_OLDER_NAMES = {"ko": {"그림", "파일", "분류"}, "de": {"bild"}, "ja": {"画像"}}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LANGUAGE_CODES = _words(
    """aa ab ace ady af ak als am an ang ar arc arz as ast av ay az azb ba bar bat-smg bcl be be-tarask be-x-old bg bh
    bi bjn bm bn bo bpy br bs bug bxr ca cbk-zam cdo ce ceb ch cho chr chy ckb co cr crh cs csb cu cv cy da de diq dsb
    dv dz ee el eml en eo es et eu ext fa ff fi fiu-vro fj fo fr frp frr fur fy ga gag gan gd gl glk gn gom got gu gv ha
    hak haw he hi hif ho hr hsb ht hu hy hz ia id ie ig ii ik ilo io is it iu ja jam jbo jv ka kaa kab kbd kg ki kj kk
    kl km kn ko koi kr krc ks ksh ku kv kw ky la lad lb lbe lez lg li lij lmo ln lo lrc lt ltg lv mai map-bms mdf mg mh
    mhr mi min mk ml mn mo mr mrj ms mt mus mwl my myv mzn na nah nap nds nds-nl ne new ng nl nn no nov nrm nso nv ny oc
    olo om or os pa pag pam pap pcd pdc pfl pi pih pl pms pnb pnt ps pt qu rm rmy rn ro roa-rup roa-tara ru rue rw sa
    sah sc scn sco sd se sg sh si simple sk sl sm sn so sq sr srn ss st stq su sv sw szl ta te tet tg th ti tk tl tn to
    tpi tr ts tt tum tw ty tyv udm ug uk ur uz ve vec vep vi vls vo wa war wo wuu xal xh xmf yi yo za zea zh
    zh-classical zh-min-nan zh-yue zu"""
)


def dropped_prefixes(namespaces: Mapping[int, str], language: str) -> frozenset[str]:
    """Return the lower-cased prefixes of links that are not shown where they stand.

    Args:
        namespaces: number -> name in this wiki, from the dump's siteinfo.
    """
    local = {namespaces.get(number, "").lower() for number in _DROPPED_NAMESPACES} - {""}
    return LANGUAGE_CODES | _ENGLISH | local | _OLDER_NAMES.get(language, set())
