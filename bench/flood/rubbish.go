package main

import (
	"math/rand/v2"
	"net/netip"
	"strings"
)

// payload returns the i-th of the messages that a tool sends in turn.
func payload(i int, from tool, to netip.AddrPort) string {
	method := methods[i%len(methods)]
	if from != fuzzer {
		return message(method, from, to)
	}
	return rubbish(i, message(method, innocent, to))
}

// anomalies are what test suites of parsers put where a value belongs, as that of
// the PROTOS project did for SIP.
var anomalies = []string{
	"", "%s%s%s%s%s%n", "-1", "4294967296", "99999999999999999999", strings.Repeat("a", 900), strings.Repeat("<", 300),
	strings.Repeat(";", 300), "\"", "\x00", "\xff\xfe", strings.Repeat("\t", 200), "sip:@", "sip:[::", strings.Repeat("sip:", 100), " \r\n ",
}

// rubbish makes a message, by turns, one of which a value is an anomaly, one that
// ends too early, and octets without a sense. The same i gives the same.
func rubbish(i int, m string) string {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	switch i % 4 {
	case 0:
		return m[:1+r.IntN(len(m)-1)]
	case 1:
		b := make([]byte, 1+r.IntN(1200))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return string(b)
	}
	lines := strings.Split(m, "\r\n")
	at := r.IntN(len(lines) - 2)
	name, value, field := strings.Cut(lines[at], ":")
	anomaly := anomalies[r.IntN(len(anomalies))]
	switch {
	case !field || at == 0:
		words := strings.Split(lines[at], " ")
		words[r.IntN(len(words))] = anomaly
		lines[at] = strings.Join(words, " ")
	case r.IntN(2) == 0:
		lines[at] = name + ": " + anomaly
	default:
		lines[at] = name + ": " + value[:r.IntN(len(value))] + anomaly
	}
	return strings.Join(lines, "\r\n")
}
