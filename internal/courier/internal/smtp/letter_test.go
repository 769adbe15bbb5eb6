package smtp

import (
	"bytes"
	"mime"
	"net/mail"
	"strings"
	"testing"
	"time"
)

// FuzzLetter: whatever the parts hold, a letter that is not refused names one
// recipient, has the headers that we gave it and no other, its subject says what it
// said, and its signature is good.
func FuzzLetter(f *testing.F) {
	c, err := New(Config{Host: "mail.example", From: "absences@preau.example", FromName: "Lycée"})
	if err != nil {
		f.Fatal(err)
	}
	d := DKIM{"preau.example", "preau2026", edKey}
	signing, err := New(Config{Host: "mail.example", From: "absences@preau.example", FromName: "Lycée", DKIM: d})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("a@family.example", "Léa M. n’était pas en classe", "Bonjour.\n.\n", "alert-1@preau.example", "fr")
	f.Add("a@b.example,c@d.example", "x\r\nBcc: c@d.example", "\r\n.\r\nMAIL FROM:<x@y.example>", "<1@x.example>\r\n", "fr\n")
	f.Add("=?utf-8?q?a?=@b.example", "=?utf-8?q?x=0ABcc:?=", "é\rè", "1@x.example>,<2@x.example", "")
	known := map[string]bool{"Auto-Submitted": true, "Content-Language": true, "Content-Transfer-Encoding": true,
		"Content-Type": true, "Date": true, "From": true, "Message-Id": true, "Mime-Version": true, "Subject": true,
		"To": true, "X-Auto-Response-Suppress": true}
	f.Fuzz(func(t *testing.T, to, subject, text, id, lang string) {
		l := Letter{MessageID: id, To: to, Subject: subject, Text: text, Lang: lang, Date: time.Unix(1791266400, 0).UTC()}
		content, err := c.Render(l)
		if err != nil {
			return
		}
		again, err := c.Render(l)
		if err != nil || !bytes.Equal(content, again) {
			t.Fatalf("the same letter gives other bytes the second time (%v)", err)
		}
		signed, err := signing.Render(l)
		if err != nil || !bytes.HasSuffix(signed, content) {
			t.Fatalf("signing changed the letter (%v)", err)
		}
		if err := verify(t, signed, d); err != nil {
			t.Errorf("%v\n%s", err, signed)
		}
		m, err := mail.ReadMessage(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range m.Header {
			if !known[name] || len(values) != 1 {
				t.Errorf("header %s: %q", name, values)
			}
		}
		all, err := m.Header.AddressList("To")
		if err != nil || len(all) != 1 || all[0].Address != to {
			t.Errorf("To %q gave %v, %v", to, all, err)
		}
		said, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if !strings.Contains(subject, "=?") && (err != nil || strings.Join(strings.Fields(said), " ") != strings.Join(strings.Fields(subject), " ")) {
			t.Errorf("subject %q arrives as %q (%v)", subject, said, err)
		}
		for _, line := range bytes.Split(content, []byte("\r\n")) {
			if len(line) > 998 || bytes.ContainsAny(line, "\r\n") {
				t.Errorf("line of %d bytes: %.60q", len(line), line)
			}
		}
	})
}
