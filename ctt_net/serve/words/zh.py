"""Chinese texts of the web page, in the words of ophthalmology in China."""

TEXTS = {
    "title": "预测术后视力",
    "model": "模型“{name}”，训练队列“{cohort}”。",
    # Scans
    "scans": "OCT B 扫描图像",
    "scans.help": (
        "请上传同一患者的图像，每只眼每个扫描方向一张（{views}）。支持设备直接导出的 PNG、TIFF、"
        "JPEG、BMP 或 DICOM。可以缺少某个方向。"
    ),
    "scans.choose": "选择图像",
    "scans.drop": "或拖放到本页任意位置",
    "scans.names": "文件名须包含眼别和扫描方向，例如 {name}。",
    "scans.list": "已选图像",
    "scan.eye": "眼别",
    "scan.view": "扫描方向",
    "scan.remove": "移除",
    "choose": "请选择",
    "OD.short": "右眼 (OD)",
    "OS.short": "左眼 (OS)",
    # Acuity
    "acuity": "术前视力",
    "acuity.help": (
        "最佳矫正视力。可填分数（20/60、6/18）、文字（指数、手动、光感、无光感），或数值并选择记录方式。"
    ),
    "acuity.unknown": "未测量",
    "acuity.notation": "数值的记录方式",
    "given.decimal": "小数（0.4）",
    "given.logmar": "logMAR（0.40）",
    "given.snellen": "Snellen 分数（20/50）",
    "given.etdrs": "ETDRS 字母数（65）",
    "given.five_mark": "五分记录（4.6）",
    # Clinical data
    "clinical": "临床资料（已知者）",
    "clinical.training": "训练范围：{low} 至 {high}",
    "clinical.one_eye": "两眼数值不同",
    "not_known": "不详",
    "no": "否",
    "yes": "是",
    "device": "图像的设备",
    "scale.axial": "像素尺寸，轴向 (µm)",
    "scale.lateral": "像素尺寸，横向 (µm)",
    # The page
    "report": "报告",
    "report.code": "患者编号",
    "report.code_help": "可不填，用于区分报告。请填编号，勿填姓名。",
    "report.notation": "视力的记录方式",
    "report.as_given": "与所填一致",
    "report.heat_maps": "显示预测依据的图像区域（需多等数秒）",
    "predict": "预测",
    "privacy": (
        "图像和数据只发送到提供本页的服务器，不会传往别处。"
        "磁盘上不留存任何内容；结果可在 {minutes} 分钟内打开。"
    ),
    # Result
    "result": "结果",
    "result.another": "另一位患者",
    "result.json": "下载 prediction.json",
    "result.page": "下载本页",
    # Login
    "login": "登录 ctt-net",
    "login.wrong": "令牌不正确。",
    "login.token": "ctt-net serve 显示的令牌",
    "login.send": "登录",
    # Said by the script; {} is the name of a file
    "script.eye_of": "{} 的眼别",
    "script.view_of": "{} 的扫描方向",
    "script.remove": "移除 {}",
    "script.chosen": "已选图像：{}",
    "script.same_patient": "若均属同一患者，请勾选此框。",
    "script.no_scan": "尚未选择图像，请至少选择一张。",
    "script.choose": "请选择 {} 的眼别和扫描方向。",
    "script.twice": "{} 与 {} 的眼别和扫描方向相同，请更正或移除其一。",
    "script.too_large": "图像总量过大，请减少数量或文件大小。",
    "script.unreadable": "无法读取拖放的文件，请改用选择。",
    "script.unreachable": "服务器没有响应，它仍在运行吗？",
    "script.sending": "正在上传图像……",
    "script.predicting": "正在读取图像并预测……",
}
