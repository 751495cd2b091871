/**
 * TLS without certificates, for both ends of a control connection: anonymous Diffie-Hellman (RFC 5246
 * §F.1.1.1), which TLS 1.3 no longer has and which OpenSSL offers at security level 0 only.
 *
 * Nothing in the lab doubts who its server is; what counts is that a firewall cannot read along. So no
 * certificate has to be made, kept or trusted.
 */
export const ANONYMOUS_TLS = {
  ciphers: 'ADH-AES256-GCM-SHA384:@SECLEVEL=0',
  dhparam: 'auto',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
} as const;
