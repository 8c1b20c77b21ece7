package sip

// Missing returns, after a ParseStream that took nothing, how many octets have
// to come at least before it can take something.
func (m *Message) Missing() int {
	if m.length < 0 { // the fields have not come to their end
		return 1
	}
	return m.body.Start + m.length - len(m.Raw)
}
