package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const otherModules = "tls 155648 0 - Live 0x0000000000000000\nnf_conntrack 208896 2 nf_nat_sip,nf_conntrack_sip, Live 0x0000000000000000\n"

// machineOf is a machine with a list of modules and a sysctl, "" being none.
func machineOf(t *testing.T, modules, helper string) (m machine, dir string) {
	t.Helper()
	dir = t.TempDir()
	m = machine{modules: filepath.Join(dir, "modules"), helper: filepath.Join(dir, "helper")}
	for path, text := range map[string]string{m.modules: modules, m.helper: helper} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return m, dir
}

// What the kernel does to SIP is told, with how to end it, and the file is good
// all the same.
func TestCheckMachine(t *testing.T) {
	was := thisMachine
	t.Cleanup(func() { thisMachine = was })
	const reads, every = "The kernel reads SIP too", "Every flow gets a helper"
	for _, c := range []struct {
		modules, helper string
		line            int
		summaries       []string
		says            []string
	}{
		{"", "", 0, nil, nil},
		{otherModules, "0\n", 0, nil, nil},
		{otherModules + "nf_conntrack_sip_of_mine 1 0 - Live 0x0\n", "", 0, nil, nil},
		{otherModules + "nf_conntrack_sip 45056 0 - Unloading 0x0\n", "", 0, nil, nil},
		{otherModules + "nf_conntrack_sip 45056 0 - Live 0x0000000000000000\n", "0\n", 3, []string{reads}, []string{
			"drops messages that it does not understand", "modprobe -r nf_nat_sip nf_conntrack_sip",
			`echo "install nf_conntrack_sip /bin/false" > /etc/modprobe.d/nf_conntrack_sip.conf`}},
		{otherModules + "nf_nat_sip 20480 0 - Live 0x0\nnf_conntrack_sip 45056 1 nf_nat_sip, Live 0x0\n", "", 4, []string{reads}, []string{
			"With nf_nat_sip, which is loaded as well, it writes other addresses into Via, Contact"}},
		{otherModules, "1\n", 1, []string{every}, []string{"sysctl -w net.netfilter.nf_conntrack_helper=0"}},
		{"nf_conntrack_sip 45056 0 - Live 0x0\n", "1\n", 1, []string{reads, every}, []string{"each flow by port 5060"}},
	} {
		thisMachine, _ = machineOf(t, c.modules, c.helper)
		status, stdout, stderr := sbcOf("check", "../../sbc.hcl.example")
		if status != exitDone || !strings.Contains(stdout, "is good: 2 realms") {
			t.Errorf("%q: status %d: %s%s", c.modules, status, stdout, stderr)
		}
		for _, says := range append(c.says, c.summaries...) {
			if !strings.Contains(stderr, says) {
				t.Errorf("%q does not say %q:\n%s", c.modules, says, stderr)
			}
		}
		if len(c.summaries) == 0 && stderr != "" {
			t.Errorf("%q says %s", c.modules, stderr)
		}
		var v verdict
		status, stdout, stderr = sbcOf("check", "--json", "../../sbc.hcl.example")
		if err := json.Unmarshal([]byte(stdout), &v); err != nil || status != exitDone || !v.OK || len(v.Problems) != len(c.summaries) {
			t.Fatalf("%q: status %d, %v: %s%s", c.modules, status, err, stdout, stderr)
		}
		for i, p := range v.Problems {
			if !p.Warning || p.Summary != c.summaries[i] || i == 0 && p.Line != c.line || p.File == "" || p.Detail == "" {
				t.Errorf("%q: problem %+v", c.modules, p)
			}
		}
	}
}

// A file that is wrong stays wrong, whatever the machine does.
func TestCheckMachineAndFile(t *testing.T) {
	was := thisMachine
	t.Cleanup(func() { thisMachine = was })
	thisMachine, _ = machineOf(t, "nf_conntrack_sip 45056 0 - Live 0x0\n", "")
	wrong := filepath.Join(t.TempDir(), "wrong.hcl")
	if err := os.WriteFile(wrong, []byte("realm \"a\" {\n  adress = \"192.0.2.1\"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, _, stderr := sbcOf("check", wrong)
	if status != exitFailed || !strings.Contains(stderr, "The kernel reads SIP too") || !strings.Contains(stderr, `Did you mean "address"?`) {
		t.Errorf("status %d: %s", status, stderr)
	}
}

// A border that starts on such a machine says so once.
func TestRunTellsOfMachine(t *testing.T) {
	_, dir := machineOf(t, "nf_conntrack_sip 45056 0 - Live 0x0\n", "1\n")
	t.Setenv("SBC_TEST_MACHINE", dir)
	p := start(t, onLoopback(t, "19094"))
	p.serves(t)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_, out := p.wait(t)
	const says = `"level":"WARN","msg":"messages may be changed or dropped on this machine","why":"The kernel reads SIP too (`
	if strings.Count(out, "on this machine") != 1 || !strings.Contains(out, says) || !strings.Contains(out, "; Every flow gets a helper (") {
		t.Errorf("it says:\n%s", out)
	}
}
