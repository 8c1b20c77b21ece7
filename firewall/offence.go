package firewall

import (
	"math/bits"
	"strconv"
	"strings"
)

// Offences are a set of what was wrong with a message. Each constant is one of
// them.
type Offences uint16

const (
	StrangerInvite   Offences = 1 << iota // INVITE of nobody that we serve
	StrangerRegister                      // REGISTER, likewise
	StrangerOptions                       // OPTIONS, likewise
	StrangerOther                         // any other request, likewise
	DigestFailure                         // a response to our nonce that is wrong
	DictionaryUser                        // a user that lists of scanners begin with
	Scanner                               // a tool that honest people do not use
	Tool                                  // one that they use, too
	Honeypot                              // a number that nobody has been given
	Malformed                             // no message, or one with errors
)

const offences = 10

var offenceNames = [offences]string{
	"stranger INVITE", "stranger REGISTER", "stranger OPTIONS", "stranger other", "digest failure",
	"dictionary user", "scanner", "tool", "honeypot", "malformed",
}

// OffenceNames are the names of all offences, in the order of Tally.
func OffenceNames() []string { return offenceNames[:] }

// String returns the names, with commas.
func (o Offences) String() string {
	var list []string
	for o &= 1<<offences - 1; o != 0; o &= o - 1 {
		list = append(list, offenceNames[bits.TrailingZeros16(uint16(o))])
	}
	return strings.Join(list, ", ")
}

// A Tally counts offences, in the order of the constants.
type Tally [offences]uint32

func (t *Tally) add(o Offences) {
	for o &= 1<<offences - 1; o != 0; o &= o - 1 {
		if n := &t[bits.TrailingZeros16(uint16(o))]; *n+1 != 0 {
			*n++
		}
	}
}

func (t *Tally) join(o *Tally) {
	for i, n := range o {
		t[i] += min(n, ^t[i])
	}
}

// String returns what happened and how often: "3 digest failure, 1 scanner".
func (t Tally) String() string {
	var list []string
	for i, n := range t {
		if n > 0 {
			list = append(list, strconv.FormatUint(uint64(n), 10)+" "+offenceNames[i])
		}
	}
	return strings.Join(list, ", ")
}

// weights are what offences add to a score.
type weights [offences]float64

func (w *weights) of(o Offences) (sum float64) {
	for o &= 1<<offences - 1; o != 0; o &= o - 1 {
		sum += w[bits.TrailingZeros16(uint16(o))]
	}
	return sum
}
