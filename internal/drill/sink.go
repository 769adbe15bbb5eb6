package drill

import (
	"regexp"
	"strings"
	"sync"
	"time"
)

// Message is one message as its far side received it: an SMS whole, whatever its parts, or
// an e-mail.
type Message struct {
	To   string // channel and address: "sms +33639980412"
	Text string
	ID   string // Message-ID of an e-mail
	At   time.Time
}

// sink is the far side of the carriers: an SMS centre and a mail server, which count.
type sink struct {
	mu       sync.Mutex
	messages []Message
	plant    func(Message) []Message // of tests: a fault of the program, as the far side would see it
	down     bool                    // the centre and the mail server take nobody in
	smpp     *centre
	mail     *mailServer
}

func newSink(perSecond int) (*sink, error) {
	s := &sink{}
	var err error
	if s.smpp, err = newCentre(s, perSecond); err != nil {
		return nil, err
	}
	if s.mail, err = newMailServer(s); err != nil {
		s.smpp.close()
		return nil, err
	}
	return s, nil
}

func (s *sink) close() {
	s.smpp.close()
	s.mail.close()
}

func (s *sink) take(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.At = time.Now()
	if s.plant != nil {
		s.messages = append(s.messages, s.plant(m)...)
		return
	}
	s.messages = append(s.messages, m)
}

// all gives what was received so far, in order.
func (s *sink) all() []Message { return s.since(0) }

// since gives what was received after the first n.
func (s *sink) since(n int) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages[n:]...)
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.messages)
}

func (s *sink) shut(down bool) {
	s.mu.Lock()
	s.down = down
	s.mu.Unlock()
	if down {
		s.smpp.dropAll()
	}
}

func (s *sink) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}

// kind says what a message is, by its own words.
type kind string

const (
	absence    kind = "absence"
	arrival    kind = "arrival"
	correction kind = "correction"
	denial     kind = "denial"
)

var (
	arrivalWords    = regexp.MustCompile(`est maintenant|is now`)
	correctionWords = regexp.MustCompile(`était une erreur|notre erreur|(?:the school's|our|our software's) mistake`)
	denialWords     = regexp.MustCompile(`ne vient pas de nous|is not from us`)
	schoolsMistake  = regexp.MustCompile(`erreur de l'établissement|the school's mistake`)
	referenceWords  = regexp.MustCompile(`(?i:\b(?:réf(?:érence de ce message)?|ref(?:erence(?: of this message)?)?))(?:\s*:\s*|\s+)([0-9A-Z]{6,8})`)
)

func (m Message) kind() kind {
	text := strings.ReplaceAll(m.Text, "’", "'")
	switch {
	case denialWords.MatchString(text):
		return denial
	case correctionWords.MatchString(text):
		return correction
	case arrivalWords.MatchString(text):
		return arrival
	}
	return absence
}

// reference is what a reader would read out on the telephone.
func (m Message) reference() string {
	if found := referenceWords.FindStringSubmatch(m.Text); found != nil {
		return found[1]
	}
	if link := answerLinks.FindString(m.Text); link != "" {
		return link
	}
	return m.ID
}
