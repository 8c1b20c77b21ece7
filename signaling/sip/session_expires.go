package sip

// A SessionExpires is the value of Session-Expires or Min-SE (RFC 4028
// sections 4 and 5).
type SessionExpires struct {
	Seconds   uint32
	Refresher Refresher
	Params    Span // from the first ';'
}

// A Refresher is the side that refreshes a session.
type Refresher uint8

// The refreshers.
const (
	RefresherAny Refresher = iota // none is named
	RefresherUAC
	RefresherUAS
)

// ParseSessionExpires decodes the value in s. The error is an *Error.
func ParseSessionExpires(raw []byte, s Span) (se SessionExpires, err error) {
	var (
		p param
		e Error
	)
	s = trim(raw, s)
	n, i := digits(raw, s.Start, s.End, 1<<32-1)
	if i == s.Start {
		e.syntax(i, "a number of seconds below 2^32")
		return se, e.result()
	}
	i = skipLWS(raw, i, s.End)
	se = SessionExpires{Seconds: uint32(n), Params: Span{Start: i, End: s.End}}
	for i >= 0 && i < s.End && raw[i] == ';' {
		if i = nextParam(raw, i, s.End, &p, &e); i < 0 || !equalFold(p.name.Of(raw), "refresher") {
			continue
		}
		switch v := p.value.Of(raw); {
		case se.Refresher != RefresherAny:
			e.syntax(p.name.Start, "one refresher")
		case equalFold(v, "uac"):
			se.Refresher = RefresherUAC
		case equalFold(v, "uas"):
			se.Refresher = RefresherUAS
		default:
			e.syntax(p.value.Start, "uac or uas")
		}
	}
	if i >= 0 && i < s.End {
		e.syntax(i, "';' or the end")
	}
	return se, e.result()
}
