package ladder

import (
	"fmt"
	"testing"
	"time"
)

func TestX(t *testing.T) {
	c := Chart{Columns: []string{"pbx 192.168.1.10", "SBC", "itsp"}, Rows: []Row{
		{0, 0, 1, "INVITE sip:+4930123@192.168.1.1", nil},
		{time.Millisecond, 1, 1, `route "out" (sbc.hcl:41) to itsp`, nil},
		{1200 * time.Microsecond, 1, 2, "INVITE", []string{"Contact: <sip:10.0.0.5> → <sip:203.0.113.7>  (we are the far end here, RFC 3261 section 8.1.1.8)", "Call-ID: x → y"}},
		{30 * time.Millisecond, 2, 1, "180 Ringing", nil},
		{31 * time.Millisecond, 1, 0, "180 Ringing", nil},
		{31 * time.Millisecond, 2, 0, "media 日本語\x1b[2J", []string{"日本語"}},
		{91 * time.Second, -1, 0, "audit: nothing found", nil},
	}}
	fmt.Println(string(c.AppendTo(nil)))
	c.Width = 50
	fmt.Println(string(c.AppendTo(nil)))
}
