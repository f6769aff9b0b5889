"""The command line as a newcomer meets it, right and wrong: exit codes and messages."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from ctt_net.cli import main


def fails(capsys, *arguments):
    """Run a command that must end with exit code 2; returns its message."""
    assert main([str(argument) for argument in arguments]) == 2
    message = capsys.readouterr().err
    assert "Traceback" not in message
    return message


@pytest.fixture
def cohort(small_cohort, tmp_path):
    return shutil.copytree(small_cohort, tmp_path / "cohort")


def edit(cohort, column, row, value):
    path = cohort / "manifest.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table.loc[row, column] = value
    table.to_csv(path, index=False)


class TestHelp:
    def test_help_says_what_it_is_and_that_it_is_research(self, capsys):
        with pytest.raises(SystemExit) as caught:
            main(["--help"])
        said = " ".join(capsys.readouterr().out.split())
        assert caught.value.code == 0
        assert "Research use only" in said
        for command in ("check", "train", "evaluate", "predict"):
            assert command in said

    def test_an_unknown_command_is_exit_code_2(self, capsys):
        with pytest.raises(SystemExit) as caught:
            main(["tarin"])
        assert caught.value.code == 2

    @pytest.mark.parametrize("script", ["train.py", "evaluate.py", "predict.py"])
    def test_the_scripts_are_the_commands(self, repository, script):
        text = (repository / script).read_text()
        assert f'main(["{script[:-3]}", *sys.argv[1:]])' in text


class TestCheck:
    def test_a_good_cohort_is_counted(self, small_cohort, capsys):
        assert main(["check", str(small_cohort)]) == 0
        said = capsys.readouterr().out
        assert "60" in said
        assert "120, 0 unreadable" in said
        assert "0 errors" in said

    def test_a_wrong_unit_stops(self, cohort, capsys):
        path = cohort / "cohort.yaml"
        facts = yaml.safe_load(path.read_text())
        facts["acuity"] |= {"preop_va": "logmar", "postop_va": "logmar"}
        path.write_text(yaml.safe_dump(facts))
        manifest = pd.read_csv(cohort / "manifest.csv", dtype=str, keep_default_na=False)
        manifest = manifest.drop(columns=[c for c in manifest if c.endswith(("logmar", "chart"))])
        manifest.to_csv(cohort / "manifest.csv", index=False)
        assert main(["check", str(cohort), "--tables-only"]) == 2
        assert "may be inverted" in " ".join(capsys.readouterr().out.split())

    def test_two_rows_for_one_eye_name_both_rows(self, cohort, capsys):
        path = cohort / "manifest.csv"
        lines = path.read_text().splitlines()
        path.write_text("\n".join([*lines, lines[1]]) + "\n")
        assert main(["check", str(cohort), "--tables-only"]) == 2
        said = " ".join(capsys.readouterr().out.split())
        assert "two rows for one eye" in said
        assert "row 62" in said

    def test_a_text_file_named_png_is_found(self, cohort, capsys):
        (cohort / pd.read_csv(cohort / "manifest.csv")["vertical"][3]).write_text("hello")
        assert main(["check", str(cohort)]) == 2
        said = " ".join(capsys.readouterr().out.split())
        assert "row 5, column vertical" in said
        assert "1 errors" in said

    def test_blank_lines_do_not_shift_the_row_of_a_broken_scan(self, cohort, capsys):
        path = cohort / "manifest.csv"
        (cohort / pd.read_csv(path)["vertical"][3]).write_text("hello")
        lines = path.read_text().splitlines()
        path.write_text("\n".join([lines[0], lines[1], "", "", *lines[2:]]) + "\n")
        assert main(["check", str(cohort)]) == 2
        assert "row 7, column vertical" in " ".join(capsys.readouterr().out.split())

    def test_a_missing_scan_is_named(self, cohort, capsys):
        edit(cohort, "horizontal", 0, "images/absent.png")
        assert main(["check", str(cohort)]) == 2
        assert "images/absent.png" in " ".join(capsys.readouterr().out.split())

    def test_a_folder_that_is_no_cohort(self, tmp_path, capsys):
        assert "cohort.yaml" in fails(capsys, "check", tmp_path)
        assert "no such folder" in fails(capsys, "check", tmp_path / "absent")


class TestTrain:
    def test_an_unknown_config_key_is_named(self, small_cohort, tmp_path, tiny_network, capsys):
        said = fails(
            capsys, "train", *tiny_network, "--data.cohort", small_cohort,
            "--out", tmp_path / "run", "--model.learning_rte", "0.1",
        )  # fmt: skip
        assert "learning_rte" in said
        assert not (tmp_path / "run").exists()

    def test_a_broken_scan_stops_before_training(self, cohort, tmp_path, tiny_network, capsys):
        (cohort / pd.read_csv(cohort / "manifest.csv")["vertical"][3]).write_bytes(b"\x89PNG")
        said = fails(
            capsys, "train", *tiny_network, "--data.cohort", cohort, "--out", tmp_path / "run"
        )
        assert "row 5, column vertical" in said

    def test_a_cohort_that_is_not_there(self, tmp_path, tiny_network, capsys):
        said = fails(
            capsys, "train", *tiny_network, "--data.cohort", tmp_path / "no",
            "--out", tmp_path / "run",
        )  # fmt: skip
        assert "no such folder" in said


class TestEvaluate:
    def test_unseen_patients_are_measured(self, small_run, other_cohort, tmp_path, capsys):
        out = tmp_path / "held_out"
        assert main(["evaluate", str(small_run), str(other_cohort), "--out", str(out)]) == 0
        said = capsys.readouterr().out
        for label in ("Model", "Preop VA only", "Oracle floor", str(out / "report.html")):
            assert label in said
        metrics = json.loads((out / "metrics.json").read_text())
        truth = pd.read_csv(other_cohort / "manifest.csv")["postop_logmar"]
        predicted = pd.read_csv(out / "predictions.csv")["predicted_logmar"]
        assert metrics["regression"]["mae"]["value"] == pytest.approx(
            np.abs(predicted - truth).mean(), abs=1e-5
        )
        assert "simulated: no clinical validity" in (out / "report.html").read_text()

    def test_the_training_cohort_is_refused(self, small_run, small_cohort, tmp_path, capsys):
        said = fails(capsys, "evaluate", small_run, small_cohort, "--out", tmp_path / "out")
        assert "took part in the training" in said
        assert not (tmp_path / "out").exists()

    def test_the_same_scans_under_other_ids_are_refused(self, small_run, cohort, tmp_path, capsys):
        path = cohort / "manifest.csv"
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table["patient_id"] = "new-" + table["patient_id"]
        table.to_csv(path, index=False)
        said = fails(capsys, "evaluate", small_run, cohort, "--out", tmp_path / "out")
        assert "under another patient id" in said

    def test_a_bare_table_of_predictions_needs_no_model(
        self, small_run, small_cohort, tmp_path, capsys
    ):
        table = small_run / "predictions.csv"
        out = tmp_path / "table"
        assert main(["evaluate", str(table), str(small_cohort), "--out", str(out)]) == 0
        ours = json.loads((out / "metrics.json").read_text())
        run = json.loads((small_run / "metrics.json").read_text())
        assert ours["regression"] == run["regression"]
        capsys.readouterr()

    def test_a_cohort_with_one_view_is_flagged(self, small_run, other_cohort, tmp_path):
        cohort = shutil.copytree(other_cohort, tmp_path / "one_view")
        facts = yaml.safe_load((cohort / "cohort.yaml").read_text())
        del facts["views"]["vertical"]
        (cohort / "cohort.yaml").write_text(yaml.safe_dump(facts))
        assert main(["evaluate", str(small_run), str(cohort), "--out", str(tmp_path / "o")]) == 0
        flags = pd.read_csv(tmp_path / "o/predictions.csv")["flags"]
        assert flags.str.contains("missing_view:vertical").all()

    def test_a_probability_is_not_scored_against_another_question(
        self, small_run, small_cohort, tmp_path, capsys
    ):
        table = pd.read_csv(small_run / "predictions.csv")
        table = table.rename(columns={"p_reaches_0.30": "p_reaches_0.50"})
        table.drop(columns="p_gains_0.20").to_csv(tmp_path / "mine.csv", index=False)
        out = tmp_path / "out"
        arguments = ["evaluate", tmp_path / "mine.csv", small_cohort, "--out", out]
        assert main([str(argument) for argument in arguments]) == 0
        metrics = json.loads((out / "metrics.json").read_text())
        assert metrics.get("recovery", {}) == {}
        assert any("reaches_0.50" in warning for warning in metrics["warnings"])
        capsys.readouterr()

    def test_a_run_is_not_overwritten_by_its_evaluation(
        self, small_run, other_cohort, tmp_path, capsys
    ):
        said = fails(capsys, "evaluate", small_run, other_cohort, "--out", small_run)
        assert "name another --out" in said

    def test_a_file_as_out_is_refused_before_any_work(
        self, small_run, other_cohort, tmp_path, capsys
    ):
        (tmp_path / "file").write_text("")
        for out in (tmp_path / "file", tmp_path / "file/below"):
            assert "is a file" in fails(capsys, "evaluate", small_run, other_cohort, "--out", out)

    def test_a_folder_without_a_model(self, small_cohort, tmp_path, capsys):
        said = fails(capsys, "evaluate", tmp_path, small_cohort, "--out", tmp_path / "out")
        assert "no model here" in said


class TestPredict:
    @pytest.fixture
    def patient(self, other_cohort, tmp_path):
        row = pd.read_csv(other_cohort / "manifest.csv", dtype=str).iloc[0]
        folder = tmp_path / "patient_1"
        folder.mkdir()
        for view in ("horizontal", "vertical"):
            shutil.copy(other_cohort / row[view], folder / f"{row['laterality']}_{view}.png")
        return folder, row["laterality"]

    def test_a_patient_gets_a_prediction_and_a_page(self, small_run, patient, tmp_path, capsys):
        folder, eye = patient
        out = tmp_path / "out"
        arguments = ["predict", folder, "--model", small_run, "--out", out]
        assert main([*map(str, arguments), "--preop-va", f"{eye}=20/60"]) == 0
        prediction = json.loads((out / "prediction.json").read_text())
        (found,) = prediction["eyes"]
        assert found["laterality"] == eye
        assert found["preop"]["text"] == "20/60"
        assert found["preop"]["etdrs_letters"] == 61
        assert {"logmar", "decimal", "snellen_20ft", "snellen_6m", "etdrs_letters"} <= set(
            found["postop"]
        )
        interval = found["interval"]
        assert interval["lower_logmar"] < found["postop"]["logmar"] < interval["upper_logmar"]
        assert all(view["present"] for view in found["views"])
        page = (out / "report.html").read_text()
        assert "Research use only" in page
        assert "data:image/jpeg" in page
        assert "http://" not in page
        assert "20/60" in page
        assert "Research use only" in capsys.readouterr().out

    def test_it_is_the_number_that_evaluate_gives(self, small_run, patient, other_cohort, tmp_path):
        folder, eye = patient
        row = pd.read_csv(other_cohort / "manifest.csv", dtype=str).iloc[0]
        main(["evaluate", str(small_run), str(other_cohort), "--out", str(tmp_path / "e")])
        arguments = ["predict", folder, "--model", small_run, "--out", tmp_path / "p"]
        arguments += ["--preop-va", f"{eye}={row['preop_va']}", "--notation", "decimal"]
        assert main([str(argument) for argument in arguments]) == 0
        one = json.loads((tmp_path / "p/prediction.json").read_text())["eyes"][0]
        table = pd.read_csv(tmp_path / "e/predictions.csv").set_index("eye_id")
        assert one["postop"]["logmar"] == pytest.approx(
            table.loc[row["eye_id"], "predicted_logmar"], abs=1e-4
        )

    def test_a_scan_of_the_training_is_flagged(self, small_run, small_cohort, tmp_path):
        row = pd.read_csv(small_cohort / "manifest.csv", dtype=str).iloc[0]
        folder = tmp_path / "known"
        folder.mkdir()
        shutil.copy(small_cohort / row["horizontal"], folder / f"{row['laterality']}_h.png")
        arguments = ["predict", folder, "--model", small_run, "--out", tmp_path / "out"]
        assert main([*map(str, arguments), "--preop-va", f"{row['laterality']}=20/60"]) == 0
        (found,) = json.loads((tmp_path / "out/prediction.json").read_text())["eyes"]
        assert "seen_in_training" in found["flags"]

    def test_no_acuity_is_one_clear_message(self, small_run, patient, tmp_path, capsys):
        folder, eye = patient
        said = fails(capsys, "predict", folder, "--model", small_run, "--out", tmp_path / "out")
        assert f"--preop-va {eye}=20/60" in said
        assert not (tmp_path / "out").exists()

    def test_a_missing_view_is_flagged(self, small_run, patient, tmp_path):
        folder, eye = patient
        (folder / f"{eye}_vertical.png").unlink()
        arguments = ["predict", folder, "--model", small_run, "--out", tmp_path / "out"]
        assert main([*map(str, arguments), "--preop-va", f"{eye}=unknown"]) == 0
        (found,) = json.loads((tmp_path / "out/prediction.json").read_text())["eyes"]
        assert found["flags"][:2] == ["no_preop_va", "missing_view:vertical"]
        assert found["preop"] is None
        assert found["p_recovery"]["gains_0.20"] is None
        assert "missing (vertical)" in found["reason"]

    def test_a_wrong_value_names_the_flag(self, small_run, patient, tmp_path, capsys):
        folder, eye = patient
        said = fails(
            capsys, "predict", folder, "--model", small_run, "--out", tmp_path / "out",
            "--preop-va", f"{eye}=6-Sep", "--notation", "snellen",
        )  # fmt: skip
        assert "6-Sep" in said

    @pytest.mark.parametrize(
        ("covariates", "said"),
        [
            ("{age_years: .inf}", "age_years"),
            ("{age_years: old}", "age_years"),
            ("{sex: banana}", "banana"),
            ("{hair: red}", "hair"),
        ],
    )
    def test_a_covariate_that_cannot_be_is_named(
        self, small_run, patient, tmp_path, capsys, covariates, said
    ):
        folder, eye = patient
        (folder / "patient.yaml").write_text(f"covariates: {covariates}")
        message = fails(
            capsys, "predict", folder, "--model", small_run, "--out", tmp_path / "out",
            "--preop-va", f"{eye}=20/60",
        )  # fmt: skip
        assert said in message
        assert "patient.yaml" in message

    def test_a_broken_scan_is_named(self, small_run, patient, tmp_path, capsys):
        folder, eye = patient
        (folder / f"{eye}_vertical.png").write_text("no picture")
        said = fails(
            capsys, "predict", folder, "--model", small_run, "--out", tmp_path / "out",
            "--preop-va", f"{eye}=20/60",
        )  # fmt: skip
        assert f"{eye}_vertical.png" in said
        assert not (tmp_path / "out").exists()

    def test_names_are_escaped_in_the_page(self, small_run, patient, tmp_path):
        folder, eye = patient
        (folder / "patient.yaml").write_text("patient_id: <script>alert(1)</script>")
        arguments = ["predict", folder, "--model", small_run, "--out", tmp_path / "out"]
        assert main([*map(str, arguments), "--preop-va", f"{eye}=20/60"]) == 0
        assert "<script>" not in (tmp_path / "out/report.html").read_text()

    def test_a_left_eye_is_mirrored_before_the_network(self, small_run, tmp_path):
        rng = np.random.default_rng(0)
        noise = rng.integers(0, 90, (160, 240), dtype=np.uint8)
        noise[80:110] += 120  # a bright band for the crop to find
        logmar = []
        for eye, pixels in (("OD", noise), ("OS", noise[:, ::-1])):
            folder = tmp_path / eye
            folder.mkdir()
            Image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{eye}_horizontal.png")
            arguments = ["predict", folder, "--model", small_run, "--out", tmp_path / f"o{eye}"]
            assert main([*map(str, arguments), "--preop-va", f"{eye}=20/60"]) == 0
            found = json.loads((tmp_path / f"o{eye}/prediction.json").read_text())
            logmar.append(found["eyes"][0]["postop"]["logmar"])
        assert logmar[0] == logmar[1]


def test_a_fault_of_ours_is_exit_code_1(repository, tmp_path):
    code = "import sys, ctt_net.cli as cli\ncli._check = None\nsys.exit(cli.main(['check', '.']))\n"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
