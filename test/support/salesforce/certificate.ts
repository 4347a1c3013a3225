import { getCACertificates, setDefaultCACertificates } from 'node:tls'

/** A certificate for hosts below `salesforce.localhost`, and its key, which are worth nothing elsewhere. */
export const salesforceCertificate = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5DvVUe1oSy0Naycy
Cnf9zMJWE4yVbPKocJDb1XIxTzOhRANCAASwj2Ez6DLVx6DdNat+boCliI71qZjq
pfaUyFxsMJTz362RFmFXwsZDZvqJSpEoZ69KmOMWdWuuzHmDuM++RJNT
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIICGzCCAcKgAwIBAgIUN46klN2UE6zG5Z6yNaGv75Y02PMwCgYIKoZIzj0EAwIw
HzEdMBsGA1UEAwwUc2FsZXNmb3JjZS5sb2NhbGhvc3QwIBcNMjYxMTMwMDYwMzQ4
WhgPMjEyNjExMDYwNjAzNDhaMB8xHTAbBgNVBAMMFHNhbGVzZm9yY2UubG9jYWxo
b3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsI9hM+gy1ceg3TWrfm6ApYiO
9amY6qX2lMhcbDCU89+tkRZhV8LGQ2b6iUqRKGevSpjjFnVrrsx5g7jPvkSTU6OB
2TCB1jAdBgNVHQ4EFgQUSqgD9mITl8+yR5gSbes+RCvFxt8wHwYDVR0jBBgwFoAU
SqgD9mITl8+yR5gSbes+RCvFxt8wgYIGA1UdEQR7MHmCFiouc2FsZXNmb3JjZS5s
b2NhbGhvc3SCGSoubXkuc2FsZXNmb3JjZS5sb2NhbGhvc3SCISouc2FuZGJveC5t
eS5zYWxlc2ZvcmNlLmxvY2FsaG9zdIIhKi5zY3JhdGNoLm15LnNhbGVzZm9yY2Uu
bG9jYWxob3N0MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgcesZ
jJpcVjZusP3mueakuBEmiWGIEM0q2HpBwvHMOYgCIDW0A1GhJjEJEnRQrpGRCkJc
mIjnXRq7NPDPfhoWvEWk
-----END CERTIFICATE-----`,
} as const

/** Makes connections of this process trust the certificate; a child process gets it through `NODE_EXTRA_CA_CERTS`. */
export function trustSalesforceCertificate(): void {
  const known = getCACertificates('default')
  if (!known.includes(salesforceCertificate.cert)) setDefaultCACertificates([...known, salesforceCertificate.cert])
}
