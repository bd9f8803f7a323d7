// What documents, and what was taken out of them, say when they are made to do harm.

rule Postern_Macro_Dropper {
  meta:
    name = "Postern.Macro.Dropper"
    category = "malware"
    description = "Macros that run by themselves, fetch or decode something, and start it"
    reference = "https://attack.mitre.org/techniques/T1204/002/"
  strings:
    $module = "Attribute VB_Name" nocase
    $auto1 = "Sub AutoOpen" nocase
    $auto2 = "Sub Auto_Open" nocase
    $auto3 = "Sub Document_Open" nocase
    $auto4 = "Sub Workbook_Open" nocase
    $auto5 = "Sub AutoExec" nocase
    $fetch1 = "URLDownloadToFile" nocase
    $fetch2 = "XMLHTTP" nocase
    $fetch3 = "WinHttpRequest" nocase
    $fetch4 = "powershell" nocase
    $fetch5 = "mshta" nocase
    $fetch6 = "certutil" nocase
    $start1 = /[^\w]Shell[ (]/ nocase
    $start2 = "WScript.Shell" nocase
    $start3 = "ShellExecute" nocase
    $start4 = "Win32_Process" nocase
    $start5 = "Shell.Application" nocase
  condition:
    $module at 0 and filesize < 5MB and any of ($auto*) and any of ($fetch*) and any of ($start*)
}

rule Postern_Macro_Shellcode {
  meta:
    name = "Postern.Macro.Shellcode"
    category = "malware"
    description = "Macros that put machine code into memory and run it"
    reference = "https://attack.mitre.org/techniques/T1055/"
  strings:
    $module = "Attribute VB_Name" nocase
    $memory1 = "VirtualAlloc" nocase
    $memory2 = "NtAllocateVirtualMemory" nocase
    $memory3 = "HeapCreate" nocase
    $move1 = "RtlMoveMemory" nocase
    $move2 = "WriteProcessMemory" nocase
    $run1 = "CreateThread" nocase
    $run2 = "CreateRemoteThread" nocase
    $run3 = "QueueUserAPC" nocase
    $run4 = "EnumSystemLocales" nocase
    $run5 = "CallWindowProc" nocase
  condition:
    $module at 0 and filesize < 5MB and any of ($memory*) and any of ($move*) and any of ($run*)
}

rule Postern_Exploit_EquationEditor {
  meta:
    name = "Postern.Exploit.EquationEditor"
    category = "malware"
    description = "An equation whose font name is too long for Equation Editor (CVE-2017-11882, CVE-2018-0802)"
    reference = "https://nvd.nist.gov/vuln/detail/CVE-2017-11882"
  strings:
    $class = "02ce020000000000c000000000000046" nocase
    $program = "4571756174696f6e2e33" nocase
    $font1 = "030101030a0a01085a" nocase
    $font2 = "0301010301080a0a5a" nocase
    $native = { 03 01 01 03 0A 0A 01 08 5A }
    $header = { 1C 00 00 00 02 00 ?? ?? ?? ?? 00 00 00 00 00 00 00 }
  condition:
    (uint32be(0) == 0x7b5c7274 and ($class or $program) and any of ($font*)) or ($header and $native and filesize < 10MB)
}

rule Postern_Exploit_SupportTool {
  meta:
    name = "Postern.Exploit.SupportTool"
    category = "malware"
    description = "A page or a document that has the Windows support tool run a command (CVE-2022-30190)"
    reference = "https://nvd.nist.gov/vuln/detail/CVE-2022-30190"
  strings:
    $scheme = "ms-msdt:" nocase
    $parameter1 = "IT_BrowseForFile" nocase
    $parameter2 = "IT_RebrowseForFile" nocase
  condition:
    uint8(0) == 0x3c and filesize < 5MB and $scheme and any of ($parameter*)
}

rule Postern_Excel_SymbolicLink {
  meta:
    name = "Postern.Excel.SymbolicLink"
    category = "malware"
    description = "A SYLK table whose formulas start a program"
    reference = "https://outflank.nl/blog/2019/10/30/abusing-the-sylk-file-format/"
  strings:
    $start1 = ";EEXEC(" nocase
    $start2 = ";ECALL(" nocase
    $start3 = ";E=EXEC(" nocase
  condition:
    uint32be(0) == 0x49443b50 and filesize < 5MB and any of ($start*)
}

rule Postern_Excel_WebQuery {
  meta:
    name = "Postern.Excel.WebQuery"
    category = "note"
    group = "attachments"
    description = "A query that has Excel fetch a table from the web"
    reference = "https://attack.mitre.org/techniques/T1559/"
  strings:
    $begin = /WEB\r?\n1\r?\nhttps?:/
  condition:
    $begin at 0 and filesize < 64KB
}
