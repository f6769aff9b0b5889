"""What to simulate, and what the simulated cohort declares about itself."""

from dataclasses import dataclass

from ctt_net.cohort import AcuityColumns, CohortSpec, Covariate, Device, View
from ctt_net.errors import InputError
from ctt_net.synthetic.device import DEVICES


@dataclass(frozen=True)
class CohortPlan:
    """What to simulate.

    Args:
        n_eyes: Operated eyes, 3 or more.
        seed: Same seed, same bytes.
        first_patient: Index of the first patient, to draw further patients of the same seed.
        id_prefix: Start of every patient id; by default it holds the seed, so that cohorts of
            different seeds never share a patient.
        devices: Names of the devices in use; every patient is scanned on one of them by chance.
        missing_views: Share of eyes that lack one of their two scans.
        unseen_causes: Share of eyes that something no scan shows keeps from seeing well: amblyopia,
            a diseased optic nerve. Nothing else of an eye depends on it.

    Raises:
        InputError: If a value makes no cohort.
    """

    n_eyes: int
    seed: int = 0
    first_patient: int = 0
    id_prefix: str | None = None
    devices: tuple[str, ...] = tuple(device.name for device in DEVICES)
    missing_views: float = 0.0
    unseen_causes: float = 0.0

    def __post_init__(self) -> None:
        if self.n_eyes < 3:  # two eyes may be one patient's, and folds need two patients
            raise InputError(f"eyes must be 3 or more, got {self.n_eyes}")
        if self.seed < 0 or self.first_patient < 0:
            raise InputError(
                f"seed and first patient must be 0 or more, got {self.seed}, {self.first_patient}"
            )
        for name in ("missing_views", "unseen_causes"):
            share = getattr(self, name)
            if not 0.0 <= share <= 1.0:
                raise InputError(f"{name.replace('_', ' ')} is a share in 0..1, got {share}")
        known = {device.name for device in DEVICES}
        if not self.devices or not set(self.devices) <= known:
            raise InputError(
                f"devices must be among {', '.join(sorted(known))}; got {', '.join(self.devices)}"
            )


def cohort_spec(plan: CohortPlan) -> CohortSpec:
    """Declarations of a simulated cohort."""
    return CohortSpec(
        name="synthetic",
        source=f"simulated by ctt_net.synthetic, seed {plan.seed}; no clinical validity",
        licence="Apache-2.0",
        citation="none: these eyes do not exist",
        synthetic=True,
        acuity=AcuityColumns(preop_va="decimal", postop_va="decimal"),
        views={
            "horizontal": View(direction="horizontal", angle_deg=0.0),
            "vertical": View(direction="vertical", angle_deg=90.0),
        },
        covariates={
            "age_years": Covariate(kind="numeric", unit="years"),
            "sex": Covariate(kind="categorical", levels=("F", "M")),
            "axial_length_mm": Covariate(kind="numeric", unit="mm"),
            "diabetes": Covariate(kind="binary"),
        },
        devices={
            device.name: Device(
                axial_um_per_px=device.axial_um_per_px, lateral_um_per_px=device.lateral_um_per_px
            )
            for device in DEVICES
            if device.name in plan.devices
        },
    )
