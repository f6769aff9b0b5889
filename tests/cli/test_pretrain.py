"""`ctt-net pretrain` refuses what it cannot learn from."""


def test_an_unknown_config_key_and_real_eyes_are_named(tmp_path, cohort, repository, fails):
    config = ["--config", repository / "configs/pretrain/synthetic.yaml", "--out", tmp_path / "out"]
    said = fails("pretrain", *config, "--data.cohort", cohort, "--model.head", "ResidualHead")
    assert "model.head" in said
    path = cohort / "cohort.yaml"
    path.write_text(path.read_text().replace("synthetic: true", "synthetic: false"))
    said = fails("pretrain", *config, "--data.cohort", cohort)
    assert "not a simulated cohort" in said
    assert "prepare.py" in said
    assert not (tmp_path / "out").exists()
