package alert

import (
	"crypto/subtle"
	"encoding/hex"
	"strings"

	"github.com/preau-ent/preau/internal/directory"
)

// How families answer, as a school chooses it. Empty is the best that the installation
// can do: a link where it knows its own address, else a telephone number.
const (
	AnswerByLink  = "link"
	AnswerByPhone = "phone" // no link in any message: families are told to distrust them
	AnswerByReply = "reply" // an SMS is answered by an SMS, where a carrier brings them
)

// asks says how a message of a school on a channel asks for an answer.
func (a *Alert) asks(s school, channel directory.Channel) ask {
	switch {
	case s.answers == AnswerByPhone:
		return askPhone
	case s.answers == AnswerByReply && channel == directory.SMS && a.courier.Carriers().Replies(channel):
		return askReply
	case a.url == "" || channel == directory.SMS && len(a.link("1234567")) > linkMost:
		return askPhone
	}
	return askLink
}

// ways lists the ways to answer that this installation can do.
func (a *Alert) ways() []string {
	var out []string
	if a.url != "" {
		out = append(out, AnswerByLink)
	}
	out = append(out, AnswerByPhone)
	if a.courier.Carriers().Replies(directory.SMS) {
		out = append(out, AnswerByReply)
	}
	return out
}

// answering is the way in force for a school's SMS.
func (a *Alert) answering(s school) string {
	return map[ask]string{askLink: AnswerByLink, askPhone: AnswerByPhone, askReply: AnswerByReply}[a.asks(s, directory.SMS)]
}

// Alphabet and lengths of a link's token: a letter's code (see courier.NewCode) and a
// keyed digest of it.
const (
	tokenLetters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	codeLength   = 7
	sealLength   = 8
)

// linkWord keeps the digests of links apart from every other digest of the journal's key.
const linkWord = "answer-link"

// link leads from a letter to the page that takes its answer.
func (a *Alert) link(code string) string {
	if a.url == "" {
		return ""
	}
	return a.url + "/r/" + code + a.seal(code)
}

// seal is what only this installation can write behind a code.
func (a *Alert) seal(code string) string {
	sum, err := hex.DecodeString(a.journal.Digest(linkWord, code))
	if err != nil || len(sum) < sealLength {
		panic("alert: a digest of the journal is not one") // only a wrong program can do this
	}
	b := make([]byte, sealLength)
	for i := range b {
		b[i] = tokenLetters[sum[i]%32]
	}
	return string(b)
}

// codeOf reads a token as people type it, and gives the code of its letter. It asks no
// database: a token that this installation did not write is told from a genuine one by
// its seal alone, in the same time whatever letters there are.
func (a *Alert) codeOf(token string) (code string, ok bool) {
	if len(token) != codeLength+sealLength {
		return "", false
	}
	token = strings.ToUpper(token)
	if strings.Trim(token, tokenLetters) != "" {
		return "", false
	}
	code = token[:codeLength]
	return code, subtle.ConstantTimeCompare([]byte(a.seal(code)), []byte(token[codeLength:])) == 1
}
