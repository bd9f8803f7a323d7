// Pages that hide files or send on what is typed into them, and what was put onto somebody's web server.

rule Postern_Html_EncodedProgram {
  meta:
    name = "Postern.Html.EncodedProgram"
    category = "malware"
    description = "A page that decodes a Windows program and saves it"
    reference = "https://attack.mitre.org/techniques/T1027/006/"
  strings:
    $script = "<script" nocase
    $decode1 = "atob("
    $decode2 = "Uint8Array"
    $make1 = "createObjectURL"
    $make2 = "msSaveOrOpenBlob"
    $program1 = "TVqQAAMAAAA"
    $program2 = "TVpQAAIAAAA"
  condition:
    filesize < 50MB and uint8(0) == 0x3c and $script and any of ($decode*) and any of ($make*)
    and any of ($program*)
}

rule Postern_Phishing_FormToMessenger {
  meta:
    name = "Postern.Phishing.FormToMessenger"
    category = "suspicious"
    group = "phishing"
    description = "A page that asks for a password and sends it to a messenger's robot"
    reference = "https://attack.mitre.org/techniques/T1598/002/"
  strings:
    $page1 = "<html" nocase
    $page2 = "<script" nocase
    $password = /type ?= ?["']?password/ nocase
    $robot1 = "api.telegram.org/bot" nocase
    $robot2 = "discord.com/api/webhooks/" nocase
    $robot3 = "discordapp.com/api/webhooks/" nocase
  condition:
    filesize < 5MB and any of ($page*) and $password and any of ($robot*)
}

rule Postern_Phishing_WrittenPage {
  meta:
    name = "Postern.Phishing.WrittenPage"
    category = "suspicious"
    group = "phishing"
    description = "A page that is nothing but a script that decodes another page and shows it"
    reference = "https://attack.mitre.org/techniques/T1027/"
  strings:
    $script = /(<!doctype html>\s{0,20})?(<html[^>]{0,80}>\s{0,20})?(<head>\s{0,20})?<script[^>]{0,80}>/ nocase
    $write1 = /document\.write\(\s?(unescape|atob|decodeURIComponent)\(/ nocase
    $write2 = /document\.write\(\s?decodeURIComponent\(\s?escape\(/ nocase
  condition:
    filesize < 10MB and filesize > 2KB and $script at 0 and any of ($write*)
}

rule Postern_WebShell_Php {
  meta:
    name = "Postern.WebShell.Php"
    category = "note"
    group = "heuristics"
    description = "PHP that runs what a request tells it to"
    reference = "https://attack.mitre.org/techniques/T1505/003/"
  strings:
    $php = "<?php" nocase
    $run1 = /(eval|assert|system|passthru|shell_exec|proc_open|popen)\s?\(\s?(@?base64_decode\s?\(\s?)?\$_(POST|GET|REQUEST|COOKIE)\[/ nocase
    $run2 = /(eval|assert)\s?\(\s?(gzinflate|gzuncompress|str_rot13)\s?\(\s?(base64_decode|str_rot13)\s?\(/ nocase
  condition:
    $php in (0..64) and filesize < 5MB and any of ($run*)
}

rule Postern_WebShell_Jsp {
  meta:
    name = "Postern.WebShell.Jsp"
    category = "note"
    group = "heuristics"
    description = "JSP that runs what a request tells it to"
    reference = "https://attack.mitre.org/techniques/T1505/003/"
  strings:
    $run = /getRuntime\(\)\.exec\(\s?request\.getParameter\(/
  condition:
    uint16be(0) == 0x3c25 and filesize < 5MB and $run
}
