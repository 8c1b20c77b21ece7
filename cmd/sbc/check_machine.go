package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// A machine is what may be wrong with the one that we run on, whatever the
// configuration says.
type machine struct {
	modules string // path of the list of the kernel's modules
	helper  string // path of the sysctl that gives flows to helpers without a rule; kernels from 6.0 on have none
}

// thisMachine is looked at by check and run.
var thisMachine = machine{modules: "/proc/modules", helper: "/proc/sys/net/netfilter/nf_conntrack_helper"}

// The kernel's own idea of a session border controller, and the half of it that
// edits messages.
const (
	sipHelper = "nf_conntrack_sip"
	sipNAT    = "nf_nat_sip"
)

// warnings returns what is wrong. What cannot be read is not there.
func (m machine) warnings() []checkProblem {
	var list []checkProblem
	lines := m.loaded()
	if lines[sipHelper] > 0 {
		list = append(list, checkProblem{File: m.modules, Line: lines[sipHelper], Warning: true, Summary: "The kernel reads SIP too", Detail: helperDetail(lines[sipNAT] > 0)})
	}
	if m.automatic() {
		list = append(list, checkProblem{File: m.helper, Line: 1, Warning: true, Summary: "Every flow gets a helper",
			Detail: "With net.netfilter.nf_conntrack_helper = 1 the kernel gives " + sipHelper + ", once it is loaded, each flow by port 5060 without a rule that says so. Say sysctl -w net.netfilter.nf_conntrack_helper=0, and write the same into a file in /etc/sysctl.d."})
	}
	return list
}

func helperDetail(edits bool) string {
	text := sipHelper + " is loaded: of the flows that it gets, the kernel opens its firewall for every address that a message names, and drops messages that it does not understand. "
	if edits {
		text += "With " + sipNAT + ", which is loaded as well, it writes other addresses into Via, Contact, Record-Route and session descriptions where there is NAT. "
	}
	return text + "Nothing of that stands in sbc call. Take it out of the firewall's rules (ct helper, CT --helper sip), say modprobe -r " + sipNAT + " " + sipHelper +
		", and to keep it out: echo \"install " + sipHelper + " /bin/false\" > /etc/modprobe.d/" + sipHelper + ".conf"
}

// loaded returns the lines on which our two modules stand in the list, from 1.
func (m machine) loaded() map[string]int {
	lines := map[string]int{}
	text, _ := os.ReadFile(m.modules)
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		name, rest, _ := strings.Cut(line, " ")
		if (name == sipHelper || name == sipNAT) && !strings.Contains(rest, " Unloading ") {
			lines[name] = n
		}
	}
	return lines
}

// automatic reports whether flows get helpers without a rule.
func (m machine) automatic() bool {
	text, _ := os.ReadFile(m.helper)
	return string(bytes.TrimSpace(text)) == "1"
}

// tell logs what is wrong, on one line.
func (m machine) tell(log *slog.Logger) {
	list := m.warnings()
	if len(list) == 0 {
		return
	}
	var what []string
	for _, p := range list {
		what = append(what, p.Summary+" ("+p.File+")")
	}
	log.Warn("messages may be changed or dropped on this machine", "why", strings.Join(what, "; "), "see", "sbc check")
}

// print writes what is wrong as config prints its problems.
func (m machine) print(w io.Writer) error {
	for _, p := range m.warnings() {
		if _, err := fmt.Fprintf(w, "Warning: %s\n\n  on %s line %d\n\n%s\n\n", p.Summary, p.File, p.Line, p.Detail); err != nil {
			return err
		}
	}
	return nil
}
