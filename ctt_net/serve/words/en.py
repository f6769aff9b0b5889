"""English texts of the web page."""

TEXTS = {
    "title": "Predict postoperative visual acuity",
    "model": 'Model "{name}", trained on cohort "{cohort}".',
    # Scans
    "scans": "OCT B-scans",
    "scans.help": (
        "One patient, one scan for each eye and view ({views}). PNG, TIFF, JPEG, BMP or DICOM, as "
        "the device exports them. A missing view is allowed."
    ),
    "scans.choose": "Choose scans",
    "scans.drop": "or drop them anywhere on this page",
    "scans.names": "Names must say eye and view, such as {name}.",
    "scans.list": "Chosen scans",
    "scan.eye": "Eye",
    "scan.view": "View",
    "scan.remove": "Remove",
    "choose": "Choose",
    "OD.short": "right (OD)",
    "OS.short": "left (OS)",
    # Acuity
    "acuity": "Preoperative visual acuity",
    "acuity.help": (
        "Best corrected. As a fraction (20/60, 6/18), as a word (CF, HM, LP, NLP), or as a number "
        "with its notation."
    ),
    "acuity.unknown": "not measured",
    "acuity.notation": "Notation of numbers",
    "given.decimal": "decimal (0.4)",
    "given.logmar": "logMAR (0.40)",
    "given.snellen": "Snellen (20/50)",
    "given.etdrs": "ETDRS letters (65)",
    "given.five_mark": "five-mark (4.6)",
    # Clinical data
    "clinical": "Clinical data, as far as known",
    "clinical.training": "training: {low} to {high}",
    "clinical.one_eye": "another value for one eye",
    "not_known": "not known",
    "no": "no",
    "yes": "yes",
    "device": "Device of the scans",
    "scale.axial": "Size of a pixel, axial, µm",
    "scale.lateral": "Size of a pixel, lateral, µm",
    # The page
    "report": "On the page",
    "report.code": "Code of the patient",
    "report.code_help": "Optional, to tell pages apart. A code, not a name.",
    "report.notation": "Notation of the acuities",
    "report.as_given": "as given",
    "report.heat_maps": "Show where in the scans the prediction comes from; takes seconds longer",
    "predict": "Predict",
    "privacy": (
        "Scans and values go to the server that sent this page and nowhere else. Nothing stays on "
        "a disk; the result can be opened for {minutes} minutes."
    ),
    # Result
    "result": "Result",
    "result.another": "Another patient",
    "result.json": "Download prediction.json",
    "result.page": "Download this page",
    # Login
    "login": "Log in to ctt-net",
    "login.wrong": "This is not the token.",
    "login.token": "Token that ctt-net serve printed",
    "login.send": "Log in",
    # Said by the script; {} is the name of a file
    "script.eye_of": "Eye of {}",
    "script.view_of": "View of {}",
    "script.remove": "Remove {}",
    "script.chosen": "Scans chosen: {}",
    "script.same_patient": "Tick this box if all are of this patient.",
    "script.no_scan": "No scan is chosen; choose at least one.",
    "script.choose": "Choose eye and view of {}.",
    "script.twice": "{} and {} have the same eye and view; correct or remove one.",
    "script.too_large": "The scans are too large together; send fewer or smaller files.",
    "script.unreadable": "The dropped files cannot be read; choose them instead.",
    "script.unreachable": "The server did not answer; is it still running?",
    "script.sending": "Sending the scans ...",
    "script.predicting": "Reading the scans and predicting ...",
}
