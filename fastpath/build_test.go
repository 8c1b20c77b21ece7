package fastpath

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sbc/lab/netns"
)

// What is committed is what the compiler makes of the source.
func TestObjectsAreBuiltFromTheSource(t *testing.T) {
	netns.Require(t, "clang-14", "llvm-strip-14", "go")
	doc, err := os.ReadFile("doc.go")
	must(t, err)
	line := regexp.MustCompile(`(?m)^//go:generate (go tool bpf2go) (.*)$`).FindStringSubmatch(string(doc))
	if line == nil {
		t.Fatal("doc.go has no //go:generate go tool bpf2go")
	}
	dir := t.TempDir()
	args := append(strings.Fields(line[1]), "-output-dir", dir)
	cmd := exec.Command(args[0], append(args[1:], strings.Fields(line[2])...)...)
	cmd.Env = append(os.Environ(), "GOPACKAGE=fastpath")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	for _, name := range []string{"fastpath_bpfel.o", "fastpath_bpfel.go", "fastpath_bpfeb.o", "fastpath_bpfeb.go"} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		got, err := os.ReadFile(name)
		must(t, err)
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the compiler makes of the source: run make generate", name)
		}
	}
}
