"""A prediction as HL7 FHIR R4 resources, for systems that read those. Needs no other package."""

from ctt_net.export.fhir.bundle import fhir_bundle
