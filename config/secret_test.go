package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const secretConfig = `realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
peer "branch" {
  realm     = realm.outside
  domain    = "voice.example"
  registers = true
  user "branch" {
    %s
  }
}
`

// A secret is where the file says, is one, and only some may read it.
func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask is
			t.Fatal(err)
		}
		return fmt.Sprintf("password = file(%q)", path)
	}
	t.Setenv("SBC_TEST_EMPTY", "")
	t.Setenv("SBC_TEST_LINES", "hunter2\nhunter3")
	const unusable = "is no secret: it has from 1 to 256 octets on one line."
	for _, c := range []struct{ password, says string }{
		{`password = env("SBC_TEST_SECRET")`, ""},
		{`password = env("SBC_TEST_EMPTY")`, `sbc.hcl:10: Unusable secret: What env("SBC_TEST_EMPTY") gives ` + unusable},
		{`password = env("SBC_TEST_LINES")`, `sbc.hcl:10: Unusable secret: What env("SBC_TEST_LINES") gives ` + unusable},
		{`password = env("SBC_TEST_NOTHING")`, `sbc.hcl:10: No such secret: The environment has no variable SBC_TEST_NOTHING.`},
		{`password = "hunter2"`, `sbc.hcl:10: Not a secret: "password" is a secret, which does not stand here: write password = file("/etc/sbc/password"), or env("NAME")`},
		{put("good", "hunter2\n", 0o600), ""},
		{put("group", "hunter2", 0o640), ""},
		{put("dos", "hunter2\r\n", 0o600), ""},
		{put("world", "hunter2", 0o644), "world holds secrets, and every user of this machine may read it (mode 0644). Say chmod o= " + filepath.Join(dir, "world")},
		{put("empty", "", 0o600), unusable},
		{put("newline", "\n", 0o600), unusable},
		{put("two", "hunter2\nhunter3\n", 0o600), unusable},
		{put("long", strings.Repeat("x", 257), 0o600), unusable},
		{put("longest", strings.Repeat("x", 256), 0o600), ""},
		{fmt.Sprintf("password = file(%q)", filepath.Join(dir, "none")), "sbc.hcl:10: Secret cannot be read: Open " + filepath.Join(dir, "none") + ": no such file or directory."},
		{fmt.Sprintf("password = file(%q)", dir), "sbc.hcl:10: Secret cannot be read: Read " + dir + ": is a directory."},
	} {
		_, err := ParseOn(testMachine, "sbc.hcl", fmt.Appendf(nil, secretConfig, c.password))
		if err == nil && c.says == "" {
			continue
		}
		if err == nil || c.says == "" || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s:\n%v\nwant %q", c.password, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: the secret is shown: %v", c.password, err)
		}
	}
}

// A file with a hash of a password is a secret itself; one that names where the
// secrets are is none.
func TestConfidentialFile(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "branch")
	if err := os.WriteFile(secret, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hash := `ha1 = "0123456789abcdef0123456789abcdef"`
	const says = ":10: Readable by everybody: A hash of a password is as good as the password, and every user of this machine may read this file (mode 0644). Say chmod o= "
	for _, c := range []struct {
		user string
		mode os.FileMode
		says string
	}{
		{hash, 0o644, says},
		{hash, 0o640, ""},
		{fmt.Sprintf("password = file(%q)", secret), 0o644, ""},
	} {
		path := filepath.Join(t.TempDir(), "sbc.hcl")
		if err := os.WriteFile(path, fmt.Appendf(nil, secretConfig, c.user), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), path+c.says+path) {
			t.Errorf("%s, mode %04o: %v", c.user, c.mode, err)
		}
	}
}

// A file of users is a secret too.
func TestUsersFileMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(path, []byte("100:desk.example:0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	src := fmt.Appendf(nil, `realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
endpoints "desks" {
  realm  = realm.outside
  domain = "desk.example"
  users  = %q
}
`, path)
	for mode, says := range map[os.FileMode]string{0o640: "", 0o604: "sbc.hcl:8: Readable by everybody: " + path + " holds secrets"} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := ParseOn(testMachine, "sbc.hcl", src)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
}
