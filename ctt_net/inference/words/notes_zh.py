"""Chinese for what deeper modules note in English."""

from ctt_net.biomarkers import measures
from ctt_net.inference import patient_measures

# Notes of the reader, by their code.
NOTES = {
    "not_a_bscan": "该图像很可能不是 B 扫描（未见横贯的分层）",
    "inverted": "灰度反转（白底黑组织），未作更改",
    "report_page": "该图像很可能是整页报告或屏幕截图，而非单张 B 扫描",
    "upside_down": "图像可能上下颠倒（脉络膜在视网膜上方），未作翻转",
    "panel_cut": "已裁去眼底定位图",
    "margin_blackened": "已将白色边缘填黑",
    "turned": "已按文件的方向标签旋转",
    "mark_filled": "已用周围像素填补叠加的扫描方向标记",
    "coloured_marks_filled": "已用周围像素填补彩色标记",
    "in_colour": "图像为彩色，取其亮度",
    "lines_filled": "已用周围像素填补绘制的线条（标尺、卡尺或箭头）",
    "writing_filled": "已用周围像素填补叠加的文字",
    "print_colours": "图像为印刷色 (CMYK)，已转换",
    "alpha_ignored": "已忽略图像的透明度",
    "black_and_white": "图像只有黑白两色，没有灰度",
    "grey_scale": "已换算灰度范围",
    "gaps": "无数值的像素已填黑",
    "misnamed": "文件格式与扩展名不符",
    "white_is_zero": "文件以 0 表示白色，已反转",
}

# Sentences that deeper modules write in English; a place stands for anything.
SENTENCES = {
    measures.NO_RETINA: "未找到视网膜",
    measures.NO_LATERAL: "A 扫描间距未知：横向长度以占扫描宽度的比例表示",
    measures.NO_AXIAL: "像素高度未知：未测量厚度、高度和面积",
    measures.NO_PIT: "未找到中心凹：以扫描中点代替",
    measures.IN_HOLE: "存在裂孔：未测量中心凹厚度",
    measures.CLIPPED: "部分视网膜超出图像",
    measures.CLOSED_ROOF: (
        "该扫描中开口未达玻璃体腔：可能为先兆裂孔、中心凹脱离，或扫描线偏离裂孔"
    ),
    measures.HOLE_CLIPPED: "裂孔部分超出图像：仅测量基底径",
    measures.NOT_WHOLE.replace("{:g}", "{}"): "中央 {} mm 部分超出扫描范围或不可见",
    measures.GAP_LEAVES.format("ellipsoid"): "椭圆体带缺损超出扫描范围",
    measures.GAP_LEAVES.format("elm"): "外界膜缺损超出扫描范围",
    measures.NO_SCLERA: "脉络膜与巩膜交界在图像之外",
    patient_measures.UNKNOWN_SCALE: (
        "像素尺寸未知，未测量长度；请在 patient.yaml 中填写 device 或 scale"
    ),
    patient_measures.OTHER_SCALE: (
        "patient.yaml 与 acquisition.yaml 中的像素尺寸不一致，未测量长度；请更正其一"
    ),
    "{} is not possible, left out": "{} 不合理，已舍去",
    (
        "The intervals are calibrated on {} patients, too few for a guarantee of {}: they are set "
        "conservatively to twice the width needed to cover the largest error."
    ): (
        "用于校准预测区间的患者仅 {} 名，不足以保证 {} 的覆盖率："
        "区间保守地取为覆盖最大误差所需宽度的两倍。"
    ),
    (
        "This model does not detect out-of-distribution scans: too few eyes were left to set the "
        "limit, or an older version trained it."
    ): "该模型不能识别与训练数据不同的图像：用于设定界限的眼过少，或由旧版本训练。",
}
