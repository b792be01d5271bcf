"""Link prefixes that show nothing in the text: files, categories, and the other languages of a wiki."""

from __future__ import annotations

import functools
import re

_DROPPED_NAMESPACES = (-2, 6, 14)  # Media, File, Category
_ENGLISH = frozenset({"file", "image", "media", "category"})  # understood by every wiki
# Names of the namespaces 6 and 14 that MediaWiki itself understands in a wiki of this language. A dump's siteinfo
# tells only the first of them.
_ALIASES = {
    "ar": "صورة, ملف, تصنيف",
    "bg": "Картинка, Файл, Категория",
    "ca": "Imatge, Fitxer, Categoria",
    "cs": "Soubor, Kategorie",
    "da": "Billede, Fil, Kategori",
    "de": "Bild, Datei, Kategorie",
    "el": "Εικόνα, Αρχείο, Κατηγορία",
    "es": "Imagen, Archivo, Categoría",
    "et": "Pilt, Fail, Kategooria",
    "eu": "Irudi, Fitxategi, Kategoria",
    "fa": "تصویر, پرونده, رده",
    "fi": "Kuva, Tiedosto, Luokka",
    "fr": "Image, Fichier, Catégorie",
    "he": "תמונה, קובץ, קטגוריה",
    "hr": "Slika, Datoteka, Kategorija",
    "hu": "Kép, Fájl, Kategória",
    "id": "Gambar, Berkas, Kategori",
    "it": "Immagine, File, Categoria",
    "ja": "画像, ファイル, カテゴリ",
    "ko": "그림, 파일, 분류",
    "nb": "Bilde, Fil, Kategori",
    "nl": "Afbeelding, Bestand, Categorie",
    "nn": "Bilde, Fil, Kategori",
    "no": "Bilde, Fil, Kategori",
    "pl": "Grafika, Plik, Kategoria",
    "pt": "Imagem, Arquivo, Ficheiro, Categoria",
    "ro": "Imagine, Fișier, Fişier, Categorie",
    "ru": "Изображение, Файл, Категория",
    "sk": "Obrázok, Súbor, Kategória",
    "sl": "Slika, Datoteka, Kategorija",
    "sr": "Слика, Датотека, Категорија",
    "sv": "Bild, Fil, Kategori",
    "tr": "Resim, Dosya, Kategori",
    "uk": "Зображення, Файл, Категорія",
    "vi": "Hình, Tập tin, Thể loại",
    "zh": "文件, 檔案, 档案, 图像, 圖像, 分类, 分類",
}

# What only a file's link says of itself between two pipes: how it is framed, where it stands, how wide it is.
_FILE_OPTION = re.compile(
    r"""thumb(?:nail)?|mini(?:atur\w*)?|vignette|frame(?:d|less)?|left|right|upright(?:\s*=?\s*[\d.]+)?
    |\d*(?:x\d+)?\s*px|links|rechts|hochkant|gauche|droite|redresse|izquierda|derecha|miniaturadeimagen|sinistra|destra
    |miniaturadaimagem|esquerda|direita|мини|миниатюра|слева|справа|мініатюра|ліворуч|праворуч|küçükresim|nhỏ
    |섬네일|썸네일|왼쪽|오른쪽|サムネイル|サムネ|左|右|缩略图|縮圖|تصغير|مصغر|يسار|يمين|بندانگشتی|چپ|راست|ממוזער|שמאל|ימין""",
    re.IGNORECASE | re.VERBOSE,
)


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


@functools.lru_cache(maxsize=8)
def dropped_prefixes(namespaces: frozenset[tuple[int, str]], language: str) -> frozenset[str]:
    """Return the lower-cased prefixes of links that are not shown where they stand.

    Args:
        namespaces: (number, name in this wiki), from the dump's siteinfo.
    """
    local = {name.lower() for number, name in namespaces if number in _DROPPED_NAMESPACES} - {""}
    aliases = _ALIASES.get(language.partition("-")[0], "").lower().split(", ")
    return LANGUAGE_CODES | _ENGLISH | local | set(aliases) - {""}


def is_file(options: str) -> bool:
    """Whether what follows the first pipe of a link with a prefix can only belong to a file.

    This catches the names that no table knows. A file has at least one option and a caption, so two pipes.
    """
    parts = options.split("|")
    return len(parts) > 1 and any(_FILE_OPTION.fullmatch(part.strip()) for part in parts)
