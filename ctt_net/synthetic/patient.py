"""The folder of one simulated patient, as `ctt-net predict` reads it."""

import tempfile
from pathlib import Path
from typing import Any

from ctt_net.io.atomic_folder import new_folder
from ctt_net.io.yaml_file import dump_yaml
from ctt_net.synthetic.simulate import CohortPlan, simulate_cohort


def simulate_patient(out: Path, seed: int = 2) -> list[dict[str, Any]]:
    """Write the scans of the operated eyes, and `patient.yaml` with the acuity before surgery.

    Args:
        out: Folder to make; must not exist.
        seed: Which patient.

    Returns:
        The eyes as rows of a manifest: what no folder tells, the acuity after surgery, is in them.

    Raises:
        InputError: If `out` exists or cannot be made.
    """
    with new_folder(out) as beside, tempfile.TemporaryDirectory() as scratch:
        # A cohort of one patient has no folds; the smallest that has them costs a second or two.
        # By the rule that the model `simulated` was taught.
        plan = CohortPlan(n_eyes=8, seed=seed, rule="additive")
        cohort = simulate_cohort(Path(scratch) / "cohort", plan)
        patient = cohort.table["patient_id"].iloc[0]
        rows = cohort.table[cohort.table["patient_id"] == patient].to_dict("records")
        for row in rows:
            for view in cohort.spec.views:
                scan = cohort.scan_path(row, view)
                if scan is not None:
                    (beside / f"{row['laterality']}_{view}.png").write_bytes(scan.read_bytes())
        facts = {
            "patient_id": patient,
            "notation": cohort.spec.notation["preop_va"],
            "preop_va": {row["laterality"]: row["preop_va"] for row in rows},
            "covariates": {name: rows[0][name] for name in cohort.spec.covariates},
        }
        (beside / "patient.yaml").write_text(dump_yaml(facts), encoding="utf-8")
    return [{str(name): value for name, value in row.items()} for row in rows]
