"""Names in any script in a PNG: fonts for what the default font lacks, where they are installed."""

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.text import Text

DEFAULT = "DejaVu Sans"

# Chinese, Japanese and Korean, as systems name them; asked in this order, character by character.
FURTHER = (
    *(f"Noto Sans CJK {place}" for place in ("SC", "JP", "KR", "TC")),
    *(f"Noto Sans {place}" for place in ("SC", "JP", "KR", "TC")),
    *(f"Source Han Sans{place}" for place in (" SC", " CN", "", " K", " TC")),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback"),
    *("IPAexGothic", "IPAGothic", "NanumGothic", "UnDotum"),
    *("Microsoft YaHei", "SimHei", "Yu Gothic", "Meiryo", "MS Gothic"),
    *("Malgun Gothic", "Microsoft JhengHei"),
    *("PingFang SC", "Hiragino Sans GB", "Hiragino Sans", "Apple SD Gothic Neo", "Heiti TC"),
    "Arial Unicode MS",
)

NOTE = "Boxes stand for names in a script that no font of this computer has;\nthe page shows them."


def further_fonts() -> list[str]:
    """Those of FURTHER that are installed; asking matplotlib for others would fill the log."""
    installed = {font.name for font in fontManager.ttflist}
    return [name for name in FURTHER if name in installed]


def lacking(figure: Figure, fonts: list[str]) -> set[str]:
    """Characters of a drawn figure that none of the fonts has.

    Args:
        figure: After it was drawn, or tick labels are not there yet.
        fonts: Installed.
    """
    written = {c for text in figure.findobj(Text) for c in text.get_text() if c.isprintable()}
    for name in fonts:
        if not written:
            break
        font = get_font(findfont(FontProperties(family=name)))
        written = {c for c in written if not font.get_char_index(ord(c))}
    return written
