package sip

// A DialogID names a dialog as its other end sees it: the value of Replaces
// (RFC 3891 section 6.1), Join (RFC 3911 section 7.1) or Target-Dialog
// (RFC 4538 section 7).
type DialogID struct {
	CallID    Span
	ToTag     Span // the tag of who gets the message; local-tag in Target-Dialog
	FromTag   Span // the tag of the far end; remote-tag in Target-Dialog
	EarlyOnly bool // Replaces: only an early dialog
}

// ParseDialogID decodes the value in s. Both tags must be there, each once.
// The error is an *Error.
func ParseDialogID(raw []byte, s Span) (d DialogID, err error) {
	var (
		p param
		e Error
	)
	s = trim(raw, s)
	i := s.Start
	for i < s.End && raw[i] > ' ' && raw[i] != ';' && raw[i] != ',' {
		i++
	}
	if d.CallID = (Span{Start: s.Start, End: i}); i == s.Start {
		e.syntax(i, "a Call-ID")
	}
	for i = skipLWS(raw, i, s.End); i >= 0 && i < s.End && raw[i] == ';'; {
		if i = nextParam(raw, i, s.End, &p, &e); i < 0 {
			continue
		}
		switch name := p.name.Of(raw); {
		case equalFold(name, "to-tag"), equalFold(name, "local-tag"):
			d.ToTag = once(d.ToTag, p.value, &e)
		case equalFold(name, "from-tag"), equalFold(name, "remote-tag"):
			d.FromTag = once(d.FromTag, p.value, &e)
		case equalFold(name, "early-only"):
			d.EarlyOnly = true
		}
	}
	if i >= 0 && (i < s.End || d.ToTag.Empty() || d.FromTag.Empty()) {
		e.syntax(i, "one dialog with both tags")
	}
	return d, e.result()
}

// once returns the value of a parameter that may stand there once.
func once(old, value Span, e *Error) Span {
	if !old.Empty() || value.Empty() {
		e.syntax(value.Start, "one tag of each kind")
	}
	return value
}
