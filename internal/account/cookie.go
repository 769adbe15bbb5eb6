package account

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// keys are made of the one key that the installation keeps outside its database,
// one for each use, so that what is signed for one means nothing to another.
type keys struct{ session, device, bucket, asked, hint []byte }

func newKeys(key []byte) keys {
	derive := func(use string) []byte { return mac(key, "preau account 1 "+use) }
	return keys{session: derive("session"), device: derive("device"), bucket: derive("bucket"), asked: derive("asked"), hint: derive("hint")}
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// asked is what somebody typed who was sent back to wait: the form that comes back has it,
// and so it is known when they first came.
type asked struct {
	Identifier string
	Own        bool
	Since      time.Time // whole milliseconds
}

// askedLife is how long it is kept.
const askedLife = 2 * time.Minute

func (k keys) writeAsked(t asked) string {
	own := "0"
	if t.Own {
		own = "1"
	}
	return seal(k.asked, strings.Join([]string{"1", own, strconv.FormatInt(t.Since.UnixMilli(), 10), base64.RawURLEncoding.EncodeToString([]byte(t.Identifier))}, "."))
}

func (k keys) readAsked(value string, now time.Time) (asked, bool) {
	text, ok := unseal(k.asked, value)
	if !ok {
		return asked{}, false
	}
	parts := strings.Split(text, ".")
	if len(parts) != 4 || parts[0] != "1" {
		return asked{}, false
	}
	ms, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return asked{}, false
	}
	identifier, err := base64.RawURLEncoding.DecodeString(parts[3])
	if err != nil {
		return asked{}, false
	}
	t := asked{Identifier: string(identifier), Own: parts[1] == "1", Since: time.UnixMilli(ms)}
	age := now.Sub(t.Since)
	return t, age >= 0 && age < askedLife
}

// maxCookie is longer than any value of ours.
const maxCookie = 512

// seal signs text; unseal gives back what seal signed with the same key, and
// nothing else.
func seal(key []byte, text string) string {
	return text + "." + base64.RawURLEncoding.EncodeToString(mac(key, text))
}

func unseal(key []byte, value string) (string, bool) {
	if len(value) > maxCookie {
		return "", false
	}
	cut := strings.LastIndexByte(value, '.')
	if cut < 0 {
		return "", false
	}
	text := value[:cut]
	// The written signatures are compared, not the decoded ones: one signature
	// then has one spelling.
	if !hmac.Equal([]byte(value), []byte(seal(key, text))) {
		return "", false
	}
	return text, true
}

// ticket is what the session's cookie says. Whether the session still is, the
// database says.
type ticket struct {
	Session string
	Account string
	Ends    time.Time     // whole seconds
	Idle    time.Duration // by how much it is renewed while it is used; 0: never
	Shared  bool          // on a computer that others use too
}

// The cookie is 1.KIND.SESSION.ACCOUNT.END.SIGNATURE; 1 is the version of this
// format, KIND k (kept for 30 days), p (for 14), d (to its end) or s (on a shared computer), END in seconds since 1970.
const ticketVersion = "1"

func idleOf(kind string) (idle time.Duration, ok bool) {
	switch kind {
	case "k":
		return SessionIdle, true
	case "p":
		return PasskeyIdle, true
	case "d", "s":
		return 0, true
	}
	return 0, false
}

func kindOf(t ticket) string {
	switch {
	case t.Shared:
		return "s"
	case t.Idle == SessionIdle:
		return "k"
	case t.Idle == PasskeyIdle:
		return "p"
	}
	return "d"
}

func (k keys) writeTicket(t ticket) string {
	return seal(k.session, strings.Join([]string{ticketVersion, kindOf(t), t.Session, t.Account, strconv.FormatInt(t.Ends.Unix(), 10)}, "."))
}

// readTicket takes a cookie that this installation signed and that has not ended.
func (k keys) readTicket(value string, now time.Time) (ticket, bool) {
	text, ok := unseal(k.session, value)
	if !ok {
		return ticket{}, false
	}
	parts := strings.Split(text, ".")
	if len(parts) != 5 || parts[0] != ticketVersion || parts[2] == "" || parts[3] == "" {
		return ticket{}, false
	}
	idle, ok := idleOf(parts[1])
	if !ok {
		return ticket{}, false
	}
	end, err := strconv.ParseInt(parts[4], 10, 64)
	if err != nil {
		return ticket{}, false
	}
	t := ticket{Session: parts[2], Account: parts[3], Ends: time.Unix(end, 0).UTC(), Idle: idle, Shared: parts[1] == "s"}
	return t, now.Before(t.Ends)
}

// renewAfter: a cookie older than this is signed anew while it is used.
const renewAfter = 24 * time.Hour

// renewed is the ticket for a browser that is here now; false when the one that it
// has will do.
func (t ticket) renewed(now time.Time) (ticket, bool) {
	if t.Idle == 0 || t.Ends.Sub(now) > t.Idle-renewAfter {
		return ticket{}, false
	}
	t.Ends = now.Add(t.Idle)
	return t, true
}

// device is what a browser shows of the accounts that were signed in to from it,
// most recent first. It opens nothing: it only has its own count of failures.
type device struct {
	ID    string
	Marks []string // one per account; see mark
}

// maxMarks: a family's or a classroom's browser has a few accounts.
const maxMarks = 8

// mark ties a browser to an account as long as the account's password stays.
func (k keys) mark(id string, a Account) string {
	return base64.RawURLEncoding.EncodeToString(mac(k.device, "mark\x00"+id+"\x00"+a.ID+"\x00"+string(a.Password))[:12])
}

// knows tells whether this browser signed in to the account with its present
// password.
func (k keys) knows(d device, a Account) bool {
	if d.ID == "" || a.ID == "" || a.Password == "" {
		return false
	}
	mark := k.mark(d.ID, a)
	for _, m := range d.Marks {
		if m == mark {
			return true
		}
	}
	return false
}

// remember adds the account to the browser's.
func (k keys) remember(d device, a Account) device {
	mark := k.mark(d.ID, a)
	marks := []string{mark}
	for _, m := range d.Marks {
		if m != mark && len(marks) < maxMarks {
			marks = append(marks, m)
		}
	}
	return device{ID: d.ID, Marks: marks}
}

func (k keys) writeDevice(d device) string {
	return seal(k.device, strings.Join(append([]string{"1", d.ID}, d.Marks...), "."))
}

func (k keys) readDevice(value string) (device, bool) {
	text, ok := unseal(k.device, value)
	if !ok {
		return device{}, false
	}
	parts := strings.Split(text, ".")
	if len(parts) < 2 || len(parts) > 2+maxMarks || parts[0] != "1" || parts[1] == "" {
		return device{}, false
	}
	return device{ID: parts[1], Marks: parts[2:]}, true
}

// bucketOf names the count of failures of an identifier as typed.
func (k keys) bucketOf(identifier string) string {
	return base64.RawURLEncoding.EncodeToString(mac(k.bucket, "identifier\x00"+identifier)[:18])
}

// bucketOfDevice names the count of failures of a known browser.
func (k keys) bucketOfDevice(d device, a Account) string {
	return base64.RawURLEncoding.EncodeToString(mac(k.bucket, "device\x00"+d.ID+"\x00"+a.ID)[:18])
}
