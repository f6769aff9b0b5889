"""English texts of the patient's page."""

from ctt_net import INTENDED_USE
from ctt_net.uncertainty.abstention import ABSTENTION_REASONS
from ctt_net.uncertainty.flags import IN_WORDS


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}.".replace("{}", "{names}")


TEXTS = {
    # Page
    "title": "Predicted visual acuity after surgery",
    "patient": "Patient {id}",
    "model": "model {name}",
    "ensemble": "model {name}, {n} networks",
    "trained_on": "trained on cohort {cohort}",
    "followup": "acuity {days} after surgery",
    "days": "{low} days",
    "days_range": "{low} to {high} days",
    "intended_use": INTENDED_USE,
    "written_by": "Written by ctt-net {version}.",
    "eyes": "Eyes",
    "OD": "Right eye (OD)",
    "OS": "Left eye (OS)",
    "list.comma": ", ",
    "list.semicolon": "; ",
    "and_more": "{text}.",
    # What limits the trust
    "caution": "Read first",
    "abstain": "Do not use the prediction for this eye.",
    "abstain_shown": (
        "The prediction below is shown for completeness only; its accuracy is unknown."
    ),
    "synthetic": "The model was trained on simulated eyes: no clinical validity.",
    "simulated": "simulated: no clinical validity",
    "not_validated": (
        "How large its errors are in your patients is not known: evaluate the model on them first "
        "(ctt-net evaluate)."
    ),
    "recalibrated": (
        "Intervals and probabilities were recalibrated on cohort {cohort}; evaluate the model on "
        "further patients of yours (ctt-net evaluate)."
    ),
    # The sentence
    "answer": "Predicted {after}, likely {range}; {now}.",
    "between": "between {worst} and {best}",
    "about": "about {value}",
    "now": "now {before}: {change}",
    "now_unknown": "the acuity before surgery is unknown",
    "now_off_chart": "now {before}",
    "better": "about {lines} ({letters}) better",
    "worse": "about {lines} ({letters}) worse",
    "same": "about the same",
    "lines.one": "1 line",
    "lines.many": "{n} lines",
    "letters.one": "1 letter",
    "letters.many": "{n} letters",
    "with_letters": "{line} ({letters})",
    "worse_than": "worse than {line}",
    "better_than": "{line} or better",
    "interval": "{level} interval, {best} to {worst} logMAR; predicted {value} logMAR.",
    "promise": (
        "In patients like those of the training about {n} of 100 eyes end within such an interval."
    ),
    "not_considered": "Complications of surgery and what is not listed below are not considered.",
    "CF": "CF (counting fingers)",
    "HM": "HM (hand motion)",
    "LP": "LP (light perception)",
    "NLP": "NLP (no light perception)",
    "unknown": "unknown",
    # Scale
    "scale": "Visual acuity before and after",
    "scale.text": (
        "Before surgery {before}; predicted {after}, {level} interval {worst} to {best}; on a "
        "scale from {left} to {right}, better acuity on the right."
    ),
    "before": "before",
    "predicted": "predicted",
    "axis.better": "better →",
    "axis.worse": "← worse",
    "notation.snellen_feet": "20 ft",
    "notation.snellen_metres": "6 m",
    "notation.decimal": "decimal",
    "notation.logmar": "logMAR",
    "notation.letters": "letters",
    "notation.five_mark": "five-mark",
    "off_chart": "off the chart",
    # Outcomes
    "chances": "Chances",
    "frequency": "about {n} of 100 such eyes",
    "frequency.most": "more than 99 of 100 such eyes",
    "frequency.fewest": "fewer than 1 of 100 such eyes",
    "frequency.unknown": "not known without the acuity before surgery",
    "outcome.reach": "{line} or better",
    "outcome.gain": "gain of {lines} or more",
    "outcome.gain_logmar": "gain of {value} logMAR or more",
    "outcome.decimal_gain": "gain of {value} decimal or more",
    # Similar eyes
    "similar": "How similar eyes ended:",
    "similar.sentence": (
        "{n} eyes that the network was not trained on had such an acuity before and such a "
        "prediction (each within {lines}): half of them reached {middle} or better, {range}."
    ),
    "similar.half": "and half ended between {worst} and {best}",
    "similar.same": "and half ended at {best}",
    "similar.label": "similar eyes",
    "similar.few": (
        "Fewer than {least} eyes that the network was not trained on were similar to this one: too "
        "few to show."
    ),
    "similar.unknown": "Not shown: the acuity before surgery is unknown.",
    # Scans
    "scans": "Scans",
    "no_scans": "No scan of this eye was given.",
    "show": "Show over the scans",
    "show.layers": "layers and lesions",
    "show.heat": "what moved the prediction",
    "scan.alt": "OCT B-scan, {view}, {eye}",
    "scan.layers_alt": "Outlined in it: {found}.",
    "quality": "signal quality {word} ({value})",
    "quality.good": "good",
    "quality.fair": "fair",
    "quality.poor": "poor",
    "heat.legend": "lowers the prediction",
    "heat.legend_better": "raises the prediction.",
    "heat.scale": "Full colour: {n} letters.",
    "heat.text": (
        "By how many letters the prediction changes because of what the scan shows at a place "
        "(occlusion). It tells what the model reads, not what is diseased."
    ),
    "heat.none": "No part of the scans moves the prediction by half a letter.",
    "not_outlined": "not outlined: no upright B-scan of the macula",
    "missing_scans": "Missing scans",
    "notes": "Notes on the scans",
    # Measures
    "measures": "Measured in the scans",
    "measures.usual": "healthy eyes",
    "measures.no_range": "no range",
    "measures.none": "none",
    "measures.above": "above",
    "measures.below": "below",
    "measures.found": "found",
    "measures.not_found": "Looked for and not found: {list}.",
    "measures.dash": "not measured",
    "measures.source": (
        "Healthy eyes: mean and 1.96 SD to both sides, of adults and other devices; one healthy "
        "eye in twenty lies outside. {sources}."
    ),
    "measure.central_thickness_um": "thickness at the foveal centre",
    "measure.central_subfield_thickness_um": "mean thickness, central 1 mm of the line",
    "measure.choroidal_thickness_um": "choroid below the fovea",
    "measure.ellipsoid_gap_um": "gap in the ellipsoid zone",
    "measure.ellipsoid_gap_share": "gap in the ellipsoid zone",
    "measure.elm_gap_um": "gap in the external limiting membrane",
    "measure.elm_gap_share": "gap in the external limiting membrane",
    "measure.hole_minimum_diameter_um": "macular hole, minimum diameter",
    "measure.hole_minimum_diameter_share": "macular hole, minimum diameter",
    "measure.hole_base_diameter_um": "macular hole, base diameter",
    "measure.hole_base_diameter_share": "macular hole, base diameter",
    "measure.cyst_area_mm2": "cysts, area",
    "measure.subretinal_fluid_height_um": "subretinal fluid, height",
    "measure.drusen_height_um": "drusen, height",
    "measure.rpe_loss_um": "loss of pigment epithelium",
    "measure.rpe_loss_share": "loss of pigment epithelium",
    "measure.membrane_share": "epiretinal membrane, central 3 mm",
    "lesion.hole": "macular hole",
    "lesion.cyst": "cysts",
    "lesion.ellipsoid_gap": "gap in the ellipsoid zone",
    "lesion.elm_gap": "gap in the external limiting membrane",
    "lesion.subretinal_fluid": "subretinal fluid",
    "lesion.drusen": "drusen",
    "lesion.rpe_loss": "loss of pigment epithelium",
    "lesion.membrane": "epiretinal membrane",
    "unit.um": "µm",
    "unit.mm2": "mm²",
    "unit.share": "%",
    "unit.of_width": "% of the scan's width",
    "surface.ilm": "ILM",
    "surface.opl": "top of the OPL",
    "surface.elm": "ELM",
    "surface.ez": "ellipsoid zone",
    "surface.photoreceptor_tips": "photoreceptor tips",
    "surface.rpe": "RPE",
    "surface.rpe_base": "base of the RPE",
    "surface.bruch": "Bruch's membrane",
    "surface.choroid_sclera": "choroid and sclera",
    "area.hole": "hole",
    "area.cyst": "cyst",
    "area.ez_loss": "ellipsoid zone lost",
    "area.elm_loss": "ELM lost",
    "area.rpe_loss": "RPE lost",
    "area.membrane": "epiretinal membrane",
    # Explanation
    "why": "What the prediction rests on",
    "why.start": "start: nothing known of the eye",
    "why.sum": "prediction",
    "why.input": "input",
    "why.letters": "letters",
    "why.preop_va": "acuity before surgery",
    "why.covariates": "{names}",
    "why.measures": "what was measured in the scans",
    "why.view": "{view} scan",
    "why.views": "{view} scans",
    "why.text": "Each input's share (Shapley value); right = better acuity. They add up.",
    "why.image_weight": (
        "The scans move a prediction {share} of the way from what the clinical data say to what "
        "the network says."
    ),
    "why.image_weight_none": (
        "The scans change nothing: on held-out eyes the network did not improve on the clinical "
        "data, so the prediction is theirs alone."
    ),
    "what_if": "With another acuity before surgery",
    "what_if.text": "All else as it is. What the model says of such an eye, not an effect.",
    "what_if.x": "acuity before surgery",
    "what_if.alt": (
        "Predicted acuity rises from {first} for an eye of {first_preop} to {last} for one of "
        "{last_preop}."
    ),
    "this_eye": "this eye",
    # Used
    "used": "Used for this prediction",
    "used.recorded": "Acuity before surgery, as recorded",
    "used.covariates": "Clinical data",
    "used.measures": "Measured in the scans",
    "used.not_given": "Not given",
    "used.range": "{text} (training: {low} to {high})",
    "used.baselines": "Without the scans",
    "used.baselines_text": "{low} to {high} ({models})",
    "used.baselines_one": "{low} ({models})",
    "used.models.one": "1 simple model",
    "used.models.many": "{n} simple models",
    "used.clinical": "Clinical prediction that the model starts from",
    "used.from_measures": "From clinical data and measures alone",
    "used.elsewhere": "Prediction in other notations",
    "yes": "yes",
    "no": "no",
    # Names
    "view.horizontal": "horizontal",
    "view.vertical": "vertical",
    "covariate.age_years": "age",
    "covariate.sex": "sex",
    "covariate.axial_length_mm": "axial length",
    "covariate.diabetes": "diabetes",
    "quantity.years": "{value} years",
    # What deeper modules say by code
    **{f"flag.{name}": _sentence(text) for name, text in IN_WORDS.items()},
    **{f"reason.{name}": text for name, text in ABSTENTION_REASONS.items()},
}
