// Ports that are never redirected: a way to look into a user's mail must not become one to look into everything else. A
// machine's policy may allow single ones. Pure.

/**
 * Well-known ports (IANA) of other services, ascending. Incoming mail (109, 110, 143, 220, 993, 995) is none of them.
 *
 * To 179: FTP, SSH, Telnet, SMTP, DNS, HTTP, Kerberos, NNTP, NTP, RPC, NetBIOS, BGP.
 * To 990: LDAP, HTTPS, SMB, Kerberos passwords, SMTPS, NNTPS, submission, IPP, LDAPS, DNS over TLS, rsync, FTPS.
 * To 3389: Telnet over TLS, SOCKS, OpenVPN, SQL Server, Oracle, PPTP, MQTT, Docker, etcd, HTTP proxies, LDAP of a global
 * catalogue, MySQL, RDP. To 6697: SIP, XMPP, PostgreSQL, AMQP, VNC, CouchDB, WinRM, Redis, Kubernetes, IRC.
 * Above: HTTP and HTTPS elsewhere, MQTT over TLS (8883), Tor (9001, 9050, 9150), Elasticsearch, Git, memcached, MongoDB.
 */
export const deniedPorts: readonly number[] = [
  20, 21, 22, 23, 25, 53, 80, 88, 119, 123, 135, 139, 179, 389, 443, 445, 464, 465, 563, 587, 631, 636, 853,
  873, 989, 990, 992, 1080, 1194, 1433, 1521, 1723, 1883, 2375, 2376, 2379, 3128, 3268, 3269, 3306, 3389,
  5060, 5061, 5222, 5223, 5432, 5671, 5672, 5900, 5984, 5985, 5986, 6379, 6443, 6667, 6697, 8000, 8008, 8080,
  8088, 8443, 8883, 8888, 9001, 9050, 9150, 9200, 9418, 9443, 11_211, 27_017,
];
