package courier

import "github.com/preau-ent/preau/internal/courier/internal/sms"

// SMSParts is how many short messages a text takes, in the alphabet that it needs.
func SMSParts(text string) int { return sms.Parts(text) }

// PlainSMS writes typography in characters that telephones have; letters keep their
// accents.
func PlainSMS(text string) string { return sms.Plain(text) }

// InSMS tells whether a character is in the telephones' own alphabet: one that is not
// more than halves the length of the whole message.
func InSMS(r rune) bool { return sms.InGSM(r) }
