"""`ctt-net schema`."""

import argparse
from importlib import import_module

from ctt_net.cli.command import DONE, Commands, add_command

# Where the schema of each file is.
SCHEMAS = {
    "cohort": ("ctt_net.cohort.schema", "CohortSpec"),
    "mapping": ("ctt_net.prepare.mapping.mapping", "MappingFile"),
    "patient": ("ctt_net.inference.patient", "PatientFile"),
    "model": ("ctt_net.model_folder.spec", "ModelSpec"),
}


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "schema",
        "print the JSON Schema of a YAML file, for an editor",
        run,
        ["ctt-net schema cohort > cohort.schema.json"],
    )
    parser.add_argument("file", choices=SCHEMAS, help="which file: cohort.yaml, ...")


def run(options: argparse.Namespace) -> int:
    """Print the schema."""
    from ctt_net.io.schema import json_schema

    module, name = SCHEMAS[options.file]
    print(json_schema(getattr(import_module(module), name)), end="")
    return DONE
