package bounce

import (
	"mime"
	"net/textproto"
	"regexp"
	"strings"
	"unicode"
)

// permanent finds, in a text for people, what means that the server has given up for
// good and nothing else: a status of class 5 behind the answer or the mark it always
// stands behind, or one of the sentences of qmail, Exim, sendmail and Exchange. A bare
// "5.1.1" may be a version or part of an address of a machine.
var permanent = regexp.MustCompile(`(?i)\b5\d\d[- ]\(?#?(5\.\d{1,3}\.\d{1,3})\b|#(5\.\d{1,3}\.\d{1,3})\b` +
	`|this is a permanent (?:error|failure)|had permanent (?:fatal errors|delivery errors)|permanently failed`)

// transient finds what speaks against that.
var transient = regexp.MustCompile(`(?i)\b4\d\d[- ]\(?#?4\.\d{1,3}\.\d{1,3}\b|#4\.\d{1,3}\.\d{1,3}\b` +
	`|will (?:be retried|keep trying|continue to (?:try|be))|warning message only|has not (?:yet )?been delivered|do not need to resend|delayed|temporar`)

// readText reads a bounce in words alone, as servers wrote them before RFC 3464 and some
// still do. It says Failed only when the text does, and nothing in it says otherwise.
func readText(b *Bounce, header textproto.MIMEHeader, text string, hidden []string) {
	at := permanent.FindStringSubmatchIndex(text)
	if at == nil || transient.MatchString(text) || transient.MatchString(header.Get("Subject")) {
		return
	}
	b.Kind = Failed
	begin := at[0]
	for _, m := range permanent.FindAllStringSubmatchIndex(text, 20) {
		if m[2] < 0 && m[4] < 0 {
			continue
		}
		// The line with the status says more than the sentence before it.
		begin, b.Status = m[0], text[max(m[2], m[4]):max(m[3], m[5])]
		break
	}
	begin = strings.LastIndexByte(text[:begin], '\n') + 1
	line, _, _ := strings.Cut(text[begin:], "\n")
	b.Words = words(line, hidden)
}

const (
	longestWords = 200 // characters
	mostHidden   = 20  // addresses; a report on one of our letters has three
)

// anAddress is whatever is written around an @, also the wide one.
var anAddress = regexp.MustCompile(`[^\s<>()\[\],;:"']*[@\x{ff20}\x{fe6b}][^\s<>()\[\],;:"']*`)

// words makes somebody else's words safe to keep: one printable line, without addresses
// and without the part before the @ of the addresses that are hidden.
func words(said string, hidden []string) string {
	if len(said) > 4096 {
		said = said[:4096]
	}
	if plain, err := new(mime.WordDecoder).DecodeHeader(said); err == nil {
		said = plain
	}
	said = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(said, " "))
	said = strings.Join(strings.Fields(said), " ")
	said = anAddress.ReplaceAllString(said, "…")
	for i, address := range hidden {
		if i == mostHidden {
			break
		}
		for part := range strings.SplitSeq(anAddress.FindString(address), "@") {
			if len(part) < 3 || len(part) > 254 {
				continue
			}
			if it, err := regexp.Compile("(?i)" + regexp.QuoteMeta(part)); err == nil {
				said = it.ReplaceAllString(said, "…")
			}
		}
	}
	runes := []rune(said)
	if len(runes) > longestWords {
		runes = append(runes[:longestWords-1], '…')
	}
	return string(runes)
}
