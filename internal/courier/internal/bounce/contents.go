package bounce

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
)

// What is looked at inside a message; reports need a quarter of it.
const (
	deepest     = 6        // multiparts inside each other
	mostParts   = 50       // in all
	longestText = 64 << 10 // bytes of a text or of a report's fields
	mostBlocks  = 50       // recipients of one report
)

// contents are the parts of a message that say something.
type contents struct {
	recipients []textproto.MIMEHeader // what a delivery status says of each
	complaint  textproto.MIMEHeader   // the fields of a feedback report; nil without one
	returned   textproto.MIMEHeader   // the header of our letter, as it came back
	receipt    bool                   // it is about a message being read, not delivered
	text       string                 // the first text for people, without the copy of our letter
	copied     string                 // that copy, when the text itself holds it
	parts      int
}

// read walks through a body of the given header. A part that cannot be read ends the
// walk; what was found before it counts.
func (c *contents) read(header textproto.MIMEHeader, body io.Reader, depth int) {
	c.parts++
	if depth > deepest || c.parts > mostParts {
		return
	}
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil && kind == "" {
		kind = "text/plain" // no type, or none that can be read
	}
	if strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for c.parts <= mostParts && params["boundary"] != "" {
			part, err := parts.NextRawPart()
			if err != nil {
				return
			}
			c.read(part.Header, part, depth+1)
		}
		return
	}
	switch kind {
	case "message/delivery-status", "message/global-delivery-status":
		if c.recipients == nil {
			c.recipients = recipientsOf(blocks(decoded(header, body)))
		}
	case "message/feedback-report":
		if all := blocks(decoded(header, body)); c.complaint == nil && len(all) > 0 {
			c.complaint = all[0]
		}
	case "message/disposition-notification":
		c.receipt = true
	case "message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global", "message/global-headers":
		// Only its header, and never the reports inside: somebody may have attached one.
		if all := blocks(decoded(header, body)); c.returned == nil && len(all) > 0 {
			c.returned = all[0]
		}
	case "text/plain":
		if c.text == "" {
			c.readText(inUTF8(decoded(header, body), params["charset"]))
		}
	}
}

// startsCopy are the lines, in small letters, after which servers that know no MIME put
// the letter itself: qmail, Exim, sendmail and those that copied them.
var startsCopy = []string{
	"below this line is a copy of the message", // qmail
	"this is a copy of the message",            // Exim
	"a copy of the original message",           // several
	"original message follows",                 // sendmail and others
	"unsent message follows",                   // older sendmail
	"original message headers",                 // Exchange
	"message header follows",                   // several
}

// readText cuts a text for people from the copy of our letter beneath it.
func (c *contents) readText(text string) {
	c.text = text
	at := 0
	for line := range strings.Lines(text) {
		at += len(line)
		small := strings.ToLower(line)
		for _, mark := range startsCopy {
			if !strings.Contains(small, mark) {
				continue
			}
			c.text, c.copied = text[:at-len(line)], text[at:]
			if c.returned == nil {
				if all := blocks([]byte(strings.TrimLeft(c.copied, "\r\n\t "))); len(all) > 0 {
					c.returned = all[0]
				}
			}
			return
		}
	}
}

// addresses are those that the message tells of the person the letter was for.
func (c *contents) addresses() []string {
	var all []string
	for _, fields := range append(c.recipients, c.complaint, c.returned) {
		for _, name := range []string{"Final-Recipient", "Original-Recipient", "X-Actual-Recipient", "Original-Rcpt-To", "To"} {
			all = append(all, fields.Values(name)...)
		}
	}
	return all
}

// recipientsOf are the blocks of a delivery status that are about a recipient: the first
// is about the message, in servers that keep to the form.
func recipientsOf(all []textproto.MIMEHeader) []textproto.MIMEHeader {
	var found []textproto.MIMEHeader
	for _, fields := range all {
		if fields.Get("Action") != "" || fields.Get("Status") != "" || fields.Get("Final-Recipient") != "" {
			found = append(found, fields)
		}
	}
	return found
}

// blocks reads groups of header fields with empty lines between them. Lines that are no
// field are passed over, since many servers write some.
func blocks(text []byte) []textproto.MIMEHeader {
	var all []textproto.MIMEHeader
	var fields textproto.MIMEHeader
	last := ""
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, longestText+1)
	for lines.Scan() {
		line := lines.Text()
		if strings.TrimSpace(line) == "" {
			fields, last = nil, ""
			continue
		}
		if line[0] == ' ' || line[0] == '\t' { // the line before goes on
			if values := fields[last]; len(values) > 0 && len(values[len(values)-1]) < 4096 {
				values[len(values)-1] += " " + strings.TrimSpace(line)
			}
			continue
		}
		name, value, found := strings.Cut(line, ":")
		name = strings.TrimRight(name, " \t")
		if !found || name == "" || strings.ContainsAny(name, " \t") {
			last = ""
			continue
		}
		if fields == nil {
			if len(all) == mostBlocks {
				return all
			}
			fields = textproto.MIMEHeader{}
			all = append(all, fields)
		}
		last = textproto.CanonicalMIMEHeaderKey(name)
		fields[last] = append(fields[last], strings.TrimSpace(value))
	}
	return all
}

// decoded reads a part up to its bound and undoes its transfer encoding, as far as it
// can be undone.
func decoded(header textproto.MIMEHeader, body io.Reader) []byte {
	switch strings.ToLower(strings.TrimSpace(header.Get("Content-Transfer-Encoding"))) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, _ := io.ReadAll(io.LimitReader(body, longestText)) // a part cut short is still a part
	return text
}

// inUTF8 is a text in the character set it names, or as it is when nobody knows that set.
func inUTF8(text []byte, charset string) string {
	if set, err := htmlindex.Get(charset); err == nil {
		if out, err := set.NewDecoder().Bytes(text); err == nil {
			text = out
		}
	}
	return strings.ToValidUTF8(string(text), "\ufffd")
}
