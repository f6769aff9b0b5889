"""`cohort.yaml` built anew from what it declares; free text stays only where it must."""

from ctt_net.cohort import CohortSpec

NAME = "deidentified"
SOURCE = "de-identified from a clinical cohort"


def declarations(spec: CohortSpec, name: str | None, source: str | None) -> CohortSpec:
    """The declarations of the new cohort.

    Sentinels of covariates go, as their cells are written empty: else an age of 90 that was once
    somebody's sign for unknown would be lost.

    Args:
        spec: Of the original; `licence` and `citation` stay as written.
        name: Of the new cohort, `deidentified` by default.
        source: What to say of its origin, a plain sentence by default.
    """
    covariates = {
        key: value.model_copy(update={"missing": ()}) for key, value in spec.covariates.items()
    }
    return spec.model_copy(
        update={"name": name or NAME, "source": source or SOURCE, "covariates": covariates}
    )
