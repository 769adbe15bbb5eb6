package bounce

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

const template = "retour+*@ent.example"

// TestParse reads what servers of many kinds send back. The file names begin with the
// kind of server; the people in them do not exist.
func TestParse(t *testing.T) {
	want := map[string]Bounce{
		"postfix-failed":        {"K7P2-1A", "K7P2@ent.example", Failed, "5.1.1", "550 5.1.1 <…>: Recipient address rejected: User unknown in virtual mailbox table"},
		"postfix-gave-up":       {"K7P2-1A", "K7P2@ent.example", Failed, "4.4.1", "connect to mx.…[203.0.113.9]:25: Connection timed out"},
		"postfix-delayed":       {"K7P2-1A", "K7P2@ent.example", Delayed, "4.4.1", "connect to mx.…[203.0.113.9]:25: Connection timed out"},
		"postfix-delivered":     {"K7P2-1A", "K7P2@ent.example", Delivered, "2.0.0", "250 2.0.0 Ok: queued as 4Xk"},
		"postfix-relayed":       {"K7P2-1A", "K7P2@ent.example", Relayed, "2.0.0", "250 ok"},
		"exim-report":           {"K7P2-1A", "K7P2@ent.example", Failed, "5.0.0", "550 no mailbox …"},
		"exim-text":             {"K7P2-1A", "K7P2@ent.example", Failed, "5.1.1", "550 5.1.1 …: no such person here"},
		"exim-text-warning":     {"K7P2-1A", "K7P2@ent.example", Unknown, "", ""},
		"qmail":                 {"K7P2-1A", "K7P2@ent.example", Failed, "5.1.1", "Sorry, no mailbox here by that name. (#5.1.1)"},
		"qmail-too-long":        {"K7P2-1A", "K7P2@ent.example", Unknown, "", ""},
		"exchange":              {"K7P2-1A", "K7P2@ent.example", Failed, "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient …"},
		"nested":                {"K7P2-1A", "K7P2@ent.example", Failed, "5.2.2", "552 5.2.2 boîte pleine"},
		"lower-case-token":      {"K7P2-1A", "", Failed, "5.1.1", ""},
		"two-recipients":        {"K7P2-1A", "", Delivered, "2.0.0", ""},
		"contradiction":         {"K7P2-1A", "", Unknown, "2.0.0", ""},
		"token-in-returned":     {"K7P2-1A", "K7P2@ent.example", Failed, "5.1.1", ""},
		"backscatter":           {"", "", Failed, "5.1.1", ""},
		"cut-short":             {"K7P2-1A", "", Failed, "5.1.1", "550 5.1.1 no"},
		"complaint":             {"K7P2-1A", "K7P2@ent.example", Complaint, "", "abuse"},
		"complaint-taken-back":  {"K7P2-1A", "K7P2@ent.example", Unknown, "", "not-spam"},
		"away":                  {"K7P2-1A", "K7P2@ent.example", AutoReply, "", ""},
		"away-old":              {"K7P2-1A", "", AutoReply, "", ""},
		"read-receipt":          {"K7P2-1A", "", AutoReply, "", ""},
		"person":                {"K7P2-1A", "K7P2@ent.example", Unknown, "", ""},
		"person-quotes-failure": {"K7P2-1A", "", Unknown, "", ""},
		"person-forwards":       {"", "", Unknown, "", ""},
		"postmaster-writes":     {"K7P2-1A", "", Unknown, "", ""},
		"postmaster-machine":    {"K7P2-1A", "", Failed, "5.7.1", "550 5.7.1 rejected by policy"},
		"version-number":        {"K7P2-1A", "", Unknown, "", ""},
	}
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d files, %d expectations, %v", len(files), len(want), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".eml")
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for ends, text := range map[string]string{"LF": string(raw), "CRLF": strings.ReplaceAll(string(raw), "\n", "\r\n")} {
				got, err := Parse([]byte(text), template)
				if err != nil {
					t.Fatal(err)
				}
				if got != want[name] {
					t.Errorf("%s: got\n%#v, want\n%#v", ends, got, want[name])
				}
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	if _, err := Parse([]byte("no header\n\nbody"), template); err == nil || strings.Contains(err.Error(), "header") {
		t.Errorf("words without a header: %v", err)
	}
	for _, wrong := range []string{"", "retour@ent.example", "*+*@ent.example", "retour@*.example"} {
		if _, err := Parse([]byte("To: a@b.example\n\n"), wrong); err == nil {
			t.Errorf("template %q was accepted", wrong)
		}
	}
}

// TestTokenIsOfOurAddressOnly: what merely resembles the return path is not one.
func TestTokenIsOfOurAddressOnly(t *testing.T) {
	for to, want := range map[string]string{
		"retour+K7P2@ent.example":                            "K7P2",
		"<retour+K7P2@ent.example>":                          "K7P2",
		"Ecole <RETOUR+k7p2@ENT.example>, b@b.example":       "K7P2",
		"prvs=123abc=retour+K7P2@ent.example":                "K7P2",
		"retour+K7P2@ent.example.":                           "K7P2",
		"retour+K7P2@ent.example.mail.example":               "",
		"retour+K7P2@ent.example-mail.example":               "",
		"faux-retour+K7P2@ent.example":                       "",
		"retour+@ent.example":                                "",
		"retour+K7_P2@ent.example":                           "",
		"retour+" + strings.Repeat("A", 41) + "@ent.example": "",
		"retourxK7P2@ent.example":                            "",
		"retour+K7P2@entxexample":                            "",
	} {
		got, err := Parse([]byte("To: "+to+"\n\n"), template)
		if err != nil || got.Token != want {
			t.Errorf("%s: token %q (%v), want %q", to, got.Token, err, want)
		}
	}
	// Where it arrived counts before what the sender wrote.
	got, err := Parse([]byte("Delivered-To: retour+REAL@ent.example\nTo: retour+FALSE@ent.example\n\n"), template)
	if err != nil || got.Token != "REAL" {
		t.Errorf("token %q (%v)", got.Token, err)
	}
}

// TestBounded: what is deeper, longer or more than a report has is not looked at, and a
// report beyond the bounds is not found.
func TestBounded(t *testing.T) {
	status := "Content-Type: message/delivery-status\n\nReporting-MTA: dns; a\n\nAction: failed\nStatus: 5.1.1\n\n"
	deep := func(levels int) string {
		var b strings.Builder
		b.WriteString("To: retour+K7P2@ent.example\n")
		for i := range levels {
			boundary := strings.Repeat("b", i+1)
			b.WriteString("Content-Type: multipart/mixed; boundary=" + boundary + "\n\n--" + boundary + "\n")
		}
		return b.String() + status
	}
	many := func(parts int) string {
		return "To: retour+K7P2@ent.example\nContent-Type: multipart/mixed; boundary=b\n\n" +
			strings.Repeat("--b\nContent-Type: image/png\n\nx\n", parts) + "--b\n" + status
	}
	for name, tc := range map[string]struct {
		raw  string
		want Kind
	}{
		"six deep":     {deep(6), Failed},
		"seven deep":   {deep(7), Unknown},
		"1000 deep":    {deep(1000), Unknown},
		"40 parts":     {many(40), Failed},
		"5000 parts":   {many(5000), Unknown},
		"a long body":  {"To: retour+K7P2@ent.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n" + strings.Repeat("x\n", largest/2) + "--b\n" + status, Unknown},
		"long preface": {"To: retour+K7P2@ent.example\n" + status[:len("Content-Type: message/delivery-status\n\n")] + strings.Repeat("x: y\n", longestText/5) + "\nAction: failed\n", Unknown},
	} {
		got, err := Parse([]byte(tc.raw), template)
		if err != nil || got.Kind != tc.want || got.Token != "K7P2" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestWords(t *testing.T) {
	for said, want := range map[string]string{
		"550 5.1.1 <camille@family.example>: unknown":     "550 5.1.1 <…>: unknown",
		"user CAMILLE.Durand is over quota":               "user … is over quota",
		"line\r\n\tand tab\x00\x1b[31m":                   "line and tab [31m",
		"=?utf-8?q?camille=40family.example_bo=C3=AEte?=": "… boîte",
		"camille＠family.example":                          "…",
		strings.Repeat("é", 300):                          strings.Repeat("é", 199) + "…",
		"\xff\xfe":                                        "",
		"host mx.family.example[203.0.113.9] said: 550":   "host mx.…[203.0.113.9] said: 550",
	} {
		if got := words(said, []string{"rfc822; Camille.Durand@family.example", "\xff\xff\xff@x"}); got != want {
			t.Errorf("%q gave %q, want %q", said, got, want)
		}
	}
}

// FuzzParse: whatever strangers send, no panic, and nothing of it leaves the bounds.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("Content-Type: multipart/report; boundary=\"\"\n\n----\n\n--"))
	f.Add([]byte("Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n////"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := Parse(raw, template)
		if err != nil {
			if b != (Bounce{}) {
				t.Errorf("an error and %+v", b)
			}
			return
		}
		if len(b.Token) > 40 || strings.Trim(b.Token, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			t.Errorf("token %q", b.Token)
		}
		if len(b.MessageID) > 254 || strings.ContainsAny(b.MessageID, "<> \r\n\x00") {
			t.Errorf("message id %q", b.MessageID)
		}
		if b.Status != "" && !statusCode.MatchString(b.Status) {
			t.Errorf("status %q", b.Status)
		}
		if n := utf8.RuneCountInString(b.Words); n > 200 || !utf8.ValidString(b.Words) || strings.ContainsAny(b.Words, "@＠\r\n\x00") {
			t.Errorf("words %q", b.Words)
		}
	})
}
