package courier

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/directory"
)

const aCentre = `{
  "kind": "smpp", "sender": "+33639980000", "weight": 3, "replies": true,
  "smpp": {"host": "127.0.0.1", "port": 2775, "tls": "none", "system_id": "preau", "window": 5, "per_second": 50},
  "secrets": {"password": {"file": "password"}}
}`

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCarrierFiles(t *testing.T) {
	t.Setenv("PREAU_TEST_SECRET", "hush")
	dir := folder(t, map[string]string{"centre.json": aCentre, "password": "hush\n", "notes.txt": "not a carrier",
		"other.json": strings.NewReplacer(`"weight": 3, "replies": true`, `"provider": "centre", "receipts": false`, `{"file": "password"}`, `{"env": "PREAU_TEST_SECRET"}`).Replace(aCentre)})
	c, err := Real(Settings{Files: Sources{Folder: dir}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Pretended() || c.Has(directory.Email) || !c.Has(directory.SMS) {
		t.Error("two centres are not what carries SMS, and SMS alone")
	}
	if c.Replies(directory.SMS) {
		t.Error("replies are offered although one account cannot bring them")
	}
	all := c.Accounts()
	if len(all) != 2 || all[0].Name != "centre" || all[0].Weight != 3 || !all[0].Receipts || !all[0].Replies || all[1].Weight != 1 || all[1].Receipts {
		t.Errorf("%+v", all)
	}
	if c.named("other").provider != "centre" {
		t.Error("accounts of one provider do not share their ids")
	}
	// A folder that is not there, and an empty one, pretend.
	for _, dir := range []string{filepath.Join(dir, "none"), t.TempDir()} {
		if c, err := Real(Settings{Files: Sources{Folder: dir}}); err != nil || !c.Pretended() {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// What is wrong with a carrier file is said with its name, and stops the program.
func TestCarrierFilesThatAreWrong(t *testing.T) {
	for what, c := range map[string]struct{ name, from, to, says string }{
		"a name that is none":        {"Mail Server.json", "", "", "its name is the carrier's"},
		"the mail server's name":     {"mail.json", "", "", "its name is the carrier's"},
		"an unknown field":           {"c.json", `"weight"`, `"wieght"`, `unknown field "wieght"`},
		"an unknown field of a part": {"c.json", `"window"`, `"windows"`, `unknown field "windows"`},
		"no JSON":                    {"c.json", `"kind": "smpp",`, `"kind": "smpp"`, "line 2"},
		"something after the end":    {"c.json", "}\n}", "}\n}\n{}", "follows the end"},
		"no such kind":               {"c.json", `"kind": "smpp"`, `"kind": "fax"`, `"smpp" or "http"`},
		"the other kind":             {"c.json", `"kind": "smpp"`, `"kind": "http"`, `"smpp" or "http"`},
		"a weight of nothing":        {"c.json", `"weight": 3`, `"weight": 0`, "between 1 and 1000"},
		"a secret in the file":       {"c.json", `{"file": "password"}`, `"hush"`, "line"},
		"a secret nowhere":           {"c.json", `{"file": "password"}`, `{}`, `{"file": PATH} or {"env": NAME}`},
		"a secret that is absent":    {"c.json", `{"file": "password"}`, `{"env": "PREAU_NOT_SET"}`, "not set"},
		"a file that is absent":      {"c.json", `{"file": "password"}`, `{"file": "none"}`, "no such file"},
		"a secret nobody asks for":   {"c.json", `"secrets": {`, `"secrets": {"more": {"file": "password"}, `, "named password"},
		"plain text to elsewhere":    {"c.json", `127.0.0.1`, `smsc.example`, "plain"},
		"a sender too long":          {"c.json", `"+33639980000"`, `"0639980000 0639980001"`, "sender"},
		"replies to a name":          {"c.json", `"+33639980000"`, `"LYCEE"`, "nobody can answer"},
		"an impatience":              {"c.json", `"weight": 3`, `"answer_seconds": 61`, "between 1 and 60"},
	} {
		text := aCentre
		if c.from != "" {
			if text = strings.Replace(aCentre, c.from, c.to, 1); text == aCentre {
				t.Fatalf("%s: the fault is not planted", what)
			}
		}
		_, err := Real(Settings{Files: Sources{Folder: folder(t, map[string]string{c.name: text, "password": "hush"})}})
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.name) {
			t.Errorf("%s: %v, want %q", what, err, c.says)
		} else if strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: the error says the secret", what)
		}
	}
}

// A secret that everybody on the machine can read, or that is empty, is none.
func TestReadSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	for _, c := range []struct {
		text string
		mode os.FileMode
		want string
	}{{"hush\n", 0o600, ""}, {"hush", 0o640, ""}, {"hush", 0o644, "chmod o="}, {"\n", 0o600, "empty"}} {
		if err := errors.Join(os.WriteFile(path, []byte(c.text), 0o600), os.Chmod(path, c.mode)); err != nil {
			t.Fatal(err)
		}
		got, err := ReadSecret(path)
		if c.want == "" && (err != nil || got != "hush") || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush")) {
			t.Errorf("%q %v: %q %v", c.text, c.mode, got, err)
		}
	}
}

// A provider over HTTP that has nowhere to bring what it says is not believed.
func TestCarrierFilesWithoutAWayBack(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "carriers", "twilio.json"))
	if err != nil {
		t.Fatal(err)
	}
	part := string(raw[:strings.Index(string(raw), `"secrets"`)]) + `"secrets": {"auth_token": {"file": "s"}, "callback": {"file": "s"}}}`
	secret := strings.Repeat("s", 30)
	for what, c := range map[string]struct{ from, to, url, says string }{
		"all is there":         {"", "", "https://ent.example", ""},
		"no address":           {"", "", "", "replies: the provider has nowhere"},
		"receipts, no address": {`"replies": true`, `"replies": false`, "", "receipts: the provider has nowhere"},
		"neither is asked": {`"receipts": true,
  "replies": true`, `"replies": false`, "", ""},
	} {
		text := strings.Replace(part, c.from, c.to, 1)
		got, err := Real(Settings{Files: Sources{URL: c.url, Folder: folder(t, map[string]string{"c.json": text, "s": secret})}})
		switch {
		case c.says == "" && err != nil, c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v", what, err)
		case err == nil && got.Accounts()[0].Receipts != (c.url != ""):
			t.Errorf("%s: receipts %v", what, got.Accounts()[0].Receipts)
		}
	}
}
