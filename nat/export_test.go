package nat

// Fingerprint returns the value of the FINGERPRINT that would follow m.
func Fingerprint(m STUN) uint32 { return m.fingerprint() }
