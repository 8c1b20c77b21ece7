package sip

import (
	"fmt"
	"strings"
	"testing"
)

// Credentials name each parameter once, neighbours included, and no more of them
// than anybody has: comparing thousands would cost milliseconds.
func TestParseAuthBounds(t *testing.T) {
	many := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("p%d=x", i))
		}
		return "Digest " + strings.Join(list, ", ")
	}
	for value, good := range map[string]bool{
		`Digest realm="a", nonce="b"`:            true,
		`Digest realm="a", realm="b"`:            false,
		`Digest nonce="n", realm="a", REALM="b"`: false,
		`Digest realm="a", nonce="b", realm="c"`: false,
		many(authParamsMax):                      true,
		many(authParamsMax + 1):                  false,
		many(2000):                               false,
	} {
		raw := []byte(value)
		if _, err := ParseAuth(raw, Span{End: len(raw)}); (err == nil) != good {
			t.Errorf("%.60s: %v", value, err)
		}
	}
}
