"""`docs/README.md` of a bundle: its model card, from the files and what the author completes."""

from collections.abc import Mapping
from pathlib import Path

from ctt_net.baselines.clinical_start import image_weight_in_words
from ctt_net.export.monai_bundle.metadata import (
    TO_COMPLETE,
    covariate_text,
    printable,
    sentence,
)
from ctt_net.model_folder.predictor import Predictor
from ctt_net.report.page import render

TEMPLATES = Path(__file__).parent / "templates"


def render_card(
    predictor: Predictor,
    eval_metrics: Mapping[str, float],
    difference: float,
    scan_fingerprints: bool,
) -> str:
    """Fill the model card.

    Args:
        predictor: The members.
        eval_metrics: Figures of the run, or empty.
        difference: Largest one between the bundle and `ctt-net predict`.
        scan_fingerprints: Whether those go along.
    """
    spec = predictor.spec
    views = {printable(name): view for name, view in spec.views.items()}
    covariates = {printable(name): covariate_text(one) for name, one in spec.covariates.items()}
    started = [member.provenance.started_from for member in predictor.members]
    return render(
        "card.md",
        folder=TEMPLATES,
        spec=spec,
        name=printable(spec.name),
        cohort=printable(spec.cohort),
        views=views,
        outcomes=[(printable(outcome.name), outcome.in_words()) for outcome in spec.outcomes],
        covariates=covariates,
        influence=image_weight_in_words(predictor.image_weights),
        started_from=sorted({printable(before["name"]) for before in started if before}),
        members=predictor.members,
        level=f"{predictor.level:.0%}",
        eval_metrics=eval_metrics,
        difference=f"{difference:.1g}",
        guarantee=sentence(predictor.guarantee),
        sentence=sentence,
        scan_fingerprints=scan_fingerprints,
        to_complete=TO_COMPLETE,
    )
