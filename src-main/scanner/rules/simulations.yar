// Harmless markers of our own, to try each category without any real malware.
import "hash"

rule Postern_Simulation_Macro {
  meta:
    name = "Postern.Simulation.Macro"
    category = "simulation"
  strings:
    $marker = "POSTERN-SIMULATION-MACRO-5b0e7c1d94a8"
  condition:
    $marker
}

rule Postern_Simulation_Dropper {
  meta:
    name = "Postern.Simulation.Dropper"
    category = "simulation"
  strings:
    $marker = "POSTERN-SIMULATION-DROPPER-c27f40d6e913"
  condition:
    $marker
}

rule Postern_Simulation_Suspicious {
  meta:
    name = "Postern.Simulation.Suspicious"
    category = "suspicious"
  strings:
    $marker = "POSTERN-SIMULATION-SUSPICIOUS-8e61d3a5720b"
  condition:
    $marker
}

rule Postern_Simulation_KnownFile {
  meta:
    name = "Postern.Simulation.KnownFile"
    category = "simulation"
  condition:
    filesize == 44 and hash.sha256(0, filesize) == "0d0c8b290e7adcd6c795c00be7e08d86a091d984d5a4e9d1dcbbad9a3ff1a119"
}
