/**
 * A key and a certificate that it has signed itself, for servers of tests that speak TLS on loopback. Nobody trusts
 * it, and everybody may know it. Made with `openssl req -x509 -newkey ec -nodes -days 36500`.
 */
export const testCertificate = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+HxmPOHEqLledy9X
IBbHgkvNfEFSlvOb8NNU7xHGkdOhRANCAAQwZzRXIc1kM0m8fy65ivPOZalxP3rU
wpws6ig2aR0ZNKJCiZLX6XrvYrj1y7xVYPtIqypg/18UI+i7ighLBaJ6
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBhzCCAS2gAwIBAgIUNKPdnKdooqD2wTq5be/+DNdd7UkwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNbWluaWRvY2stdGVzdDAgFw0yNjExMjYxOTM2MjRaGA8yMTI2
MTEwMjE5MzYyNFowGDEWMBQGA1UEAwwNbWluaWRvY2stdGVzdDBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABDBnNFchzWQzSbx/LrmK885lqXE/etTCnCzqKDZpHRk0
okKJktfpeu9iuPXLvFVg+0irKmD/XxQj6LuKCEsFonqjUzBRMB0GA1UdDgQWBBSM
QLCZ+PX5pybtrO2n/cXUttpp3zAfBgNVHSMEGDAWgBSMQLCZ+PX5pybtrO2n/cXU
ttpp3zAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIA0lGLqXaDLE
XllQM1kJ69fmItvhhVEt7DjFoBfce4XNAiEA3JaN4lDoUcUvenSU1HplqNUe9U+h
7cu3ckr1Dh0Ylbs=
-----END CERTIFICATE-----`,
};
