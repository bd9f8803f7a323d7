// Scripts and shortcuts that fetch something and start it. What they say is quoted in mail about security, so each rule
// also asks how the file begins.

private rule Begins_As_Script {
  condition:
    // Four octets in lower case: var let cons func try try{ eval (fun new /*@c dim set sub on e opti exec rem @ech
    //   echo setl star powe cmd msht para iex iex( invo <job <pac <scr <com <hta <?xm <htm <hea
    // or a comment of JavaScript, VBScript, batch files; `$name =` of PowerShell.
    with first = uint32be(0) | 0x20202020 : (
      first == 0x76617220 or first == 0x6c657420 or first == 0x636f6e73 or first == 0x66756e63 or first == 0x74727920 or
      first == 0x7472797b or first == 0x6576616c or first == 0x2866756e or first == 0x6e657720 or first == 0x2f2a6063 or
      first == 0x64696d20 or first == 0x73657420 or first == 0x73756220 or first == 0x6f6e2065 or first == 0x6f707469 or
      first == 0x65786563 or first == 0x72656d20 or first == 0x60656368 or first == 0x6563686f or first == 0x7365746c or
      first == 0x73746172 or first == 0x706f7765 or first == 0x636d6420 or first == 0x6d736874 or first == 0x70617261 or
      first == 0x69657820 or first == 0x69657828 or first == 0x696e766f or first == 0x3c6a6f62 or first == 0x3c706163 or
      first == 0x3c736372 or first == 0x3c636f6d or first == 0x3c687461 or first == 0x3c3f786d or first == 0x3c68746d or
      first == 0x3c686561
    )
    or uint16be(0) == 0x2f2f or uint16be(0) == 0x2f2a or uint16be(0) == 0x3a3a
    or uint8(0) == 0x27 or uint8(0) == 0x24
}

rule Postern_Dropper_WindowsScript {
  meta:
    name = "Postern.Dropper.WindowsScript"
    category = "malware"
    description = "A Windows script that fetches a file, writes it and starts it"
    reference = "https://attack.mitre.org/techniques/T1059/005/"
  strings:
    $fetch1 = "MSXML2.XMLHTTP" nocase
    $fetch2 = "MSXML2.ServerXMLHTTP" nocase
    $fetch3 = "Microsoft.XMLHTTP" nocase
    $fetch4 = "WinHttp.WinHttpRequest" nocase
    $write1 = "ADODB.Stream" nocase
    $write2 = ".SaveToFile" nocase
    $shell1 = "WScript.Shell" nocase
    $shell2 = "Shell.Application" nocase
    $start1 = ".Run" nocase
    $start2 = ".Exec" nocase
    $start3 = "ShellExecute" nocase
  condition:
    filesize < 5MB and Begins_As_Script and any of ($fetch*) and all of ($write*) and any of ($shell*)
    and any of ($start*)
}

rule Postern_Dropper_PowerShell {
  meta:
    name = "Postern.Dropper.PowerShell"
    category = "malware"
    description = "A script that has PowerShell run, out of sight, what it fetches or decodes"
    reference = "https://attack.mitre.org/techniques/T1059/001/"
  strings:
    $shell = "powershell" nocase
    $hidden1 = "-windowstyle hidden" nocase
    $hidden2 = "-w hidden" nocase
    $hidden3 = "-win hidden" nocase
    $hidden4 = "-wi hidden" nocase
    $hidden5 = "-w h " nocase
    $hidden6 = /\.Run[ (][^\n]{0,600}, ?0[^-.\w]/ nocase
    $code1 = "DownloadString(" nocase
    $code2 = "DownloadFile(" nocase
    $code3 = "DownloadData(" nocase
    $code4 = "FromBase64String(" nocase
    $code5 = /-e(nc|ncodedcommand|c)? [A-Za-z0-9+\/]{120}/ nocase
    $code6 = /(iex|invoke-expression)[ (]{1,3}(iwr|irm|curl|invoke-webrequest|invoke-restmethod)/ nocase
    $code7 = /(iwr|irm|invoke-webrequest|invoke-restmethod) [^\n]{1,300}\| ?(iex|invoke-expression)/ nocase
  condition:
    filesize < 5MB and Begins_As_Script and $shell and any of ($hidden*) and any of ($code*)
}

rule Postern_Dropper_SystemTools {
  meta:
    name = "Postern.Dropper.SystemTools"
    category = "suspicious"
    group = "heuristics"
    description = "A script that fetches or starts something with tools of Windows that have another purpose"
    reference = "https://lolbas-project.github.io/"
  strings:
    $certutil1 = /certutil(\.exe)? [^\n]{0,80}-(urlcache|decode)/ nocase
    $bitsadmin = /bitsadmin(\.exe)? [^\n]{0,80}\/transfer/ nocase
    $regsvr32 = /regsvr32(\.exe)? [^\n]{0,80}\/i:http/ nocase
    $mshta = /mshta(\.exe)? ["']?(http|javascript|vbscript)/ nocase
    $rundll32 = /rundll32(\.exe)? ["']?javascript:/ nocase
    $msiexec = /msiexec(\.exe)? [^\n]{0,40}\/i ["']?http/ nocase
  condition:
    filesize < 1MB and Begins_As_Script and any of them
}

rule Postern_Dropper_Shortcut {
  meta:
    name = "Postern.Dropper.Shortcut"
    category = "malware"
    description = "A Windows shortcut whose command line fetches or decodes something and runs it"
    reference = "https://attack.mitre.org/techniques/T1204/002/"
  strings:
    $tool1 = "powershell" nocase ascii wide
    $tool2 = "mshta" nocase ascii wide
    $tool3 = "cmd.exe" nocase ascii wide
    $tool4 = "rundll32" nocase ascii wide
    $tool5 = "conhost" nocase ascii wide
    $tool6 = "wscript" nocase ascii wide
    $act1 = "http://" nocase ascii wide
    $act2 = "https://" nocase ascii wide
    $act3 = "hidden" nocase ascii wide
    $act4 = "DownloadString" nocase ascii wide
    $act5 = "FromBase64String" nocase ascii wide
    $act6 = "certutil" nocase ascii wide
    $act7 = " -enc" nocase ascii wide
    $act8 = "findstr" nocase ascii wide
    $act9 = "bitsadmin" nocase ascii wide
  condition:
    uint32(0) == 0x4c and uint32(4) == 0x00021401 and filesize < 10MB and any of ($tool*) and any of ($act*)
}

rule Postern_Dropper_Hta {
  meta:
    name = "Postern.Dropper.Hta"
    category = "malware"
    description = "An HTML application that starts a command"
    reference = "https://attack.mitre.org/techniques/T1218/005/"
  strings:
    $application = "<hta:application" nocase
    $shell1 = "WScript.Shell" nocase
    $shell2 = "Shell.Application" nocase
    $shell3 = "winmgmts:" nocase
    $start1 = ".Run" nocase
    $start2 = ".Exec" nocase
    $start3 = "ShellExecute" nocase
    $start4 = ".Create(" nocase
    $command1 = "powershell" nocase
    $command2 = "cmd.exe" nocase
    $command3 = "cmd /c" nocase
    $command4 = "mshta" nocase
    $command5 = "http" nocase
  condition:
    uint8(0) == 0x3c and filesize < 5MB and $application and any of ($shell*) and any of ($start*)
    and any of ($command*)
}

rule Postern_Dropper_SettingContent {
  meta:
    name = "Postern.Dropper.SettingContent"
    category = "malware"
    description = "A link to a Windows setting that starts a command"
    reference = "https://attack.mitre.org/techniques/T1204/002/"
  strings:
    $link = "<DeepLink>" nocase
    $command1 = "powershell" nocase
    $command2 = "cmd.exe" nocase
    $command3 = "mshta" nocase
    $command4 = "rundll32" nocase
  condition:
    uint8(0) == 0x3c and filesize < 1MB and $link and any of ($command*)
}

rule Postern_Dropper_DesktopEntry {
  meta:
    name = "Postern.Dropper.DesktopEntry"
    category = "malware"
    description = "A starter for Linux desktops that fetches or decodes something and runs it"
    reference = "https://attack.mitre.org/techniques/T1204/002/"
  strings:
    $entry = "[Desktop Entry]"
    $run = /Exec ?= ?[^\n]{0,200}(sh|bash|python3?|perl) -c/
    $fetch1 = "curl "
    $fetch2 = "wget "
    $fetch3 = "base64 -d"
    $fetch4 = "/dev/tcp/"
  condition:
    (uint8(0) == 0x5b or uint8(0) == 0x23) and $entry in (0..1024) and filesize < 1MB and $run and any of ($fetch*)
}

rule Postern_Script_Encoded {
  meta:
    name = "Postern.Script.Encoded"
    category = "suspicious"
    group = "heuristics"
    description = "JScript or VBScript in the encoded form that hides what it does"
    reference = "https://learn.microsoft.com/previous-versions/cc754128"
  strings:
    $begin = "#@~^"
    $end = "^#~@"
  condition:
    $begin in (0..1024) and $end and filesize < 5MB
}

rule Postern_Attachment_RemoteDesktop {
  meta:
    name = "Postern.Attachment.RemoteDesktop"
    category = "suspicious"
    group = "attachments"
    description = "A connection to somebody's computer that hands it all of one's own drives"
    reference = "https://www.microsoft.com/security/blog/2024/10/29/midnight-blizzard/"
  strings:
    $address = "full address:s:" nocase ascii wide
    $drives = "drivestoredirect:s:*" nocase ascii wide
    $begin1 = /[a-z ]{4,40}:[isb]:/
    $begin2 = { FF FE }
  condition:
    filesize < 64KB and ($begin1 at 0 or $begin2 at 0) and $address and $drives
}
