// Programs that do no harm by themselves and are often sent to people who did not ask for them. Off by default.

rule Postern_Unwanted_RemoteControl {
  meta:
    name = "Postern.Unwanted.RemoteControl"
    category = "suspicious"
    group = "unwanted"
    description = "A program by which somebody else controls the computer"
    reference = "https://attack.mitre.org/techniques/T1219/"
  strings:
    $maker1 = "AnyDesk Software GmbH" wide
    $maker2 = "TeamViewer Germany GmbH" wide
    $maker3 = "NetSupport Ltd" wide
    $maker4 = "ScreenConnect Software" wide
    $maker5 = "Ammyy LLC" wide
    $maker6 = "Remote Utilities" wide
    $maker7 = "philandro Software GmbH" wide
  condition:
    uint16(0) == 0x5a4d and any of them
}
