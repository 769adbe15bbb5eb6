package directory

import (
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// readPhone reads a telephone number as written in a school of a region (ISO 3166: FR,
// RE, CA…). It gives the number in E.164 and whether it takes SMS. ok is false for what
// is not a number there, such as the zeros that fill empty fields.
//
// Where a numbering plan does not tell mobile from fixed (Canada), the number is taken
// as one that receives SMS.
func readPhone(raw, region string) (e164 string, channel Channel, ok bool) {
	if strings.Trim(raw, "0 .-+/") == "" {
		return "", "", false
	}
	n, err := phonenumbers.Parse(raw, region)
	if err != nil {
		return "", "", false
	}
	e164 = phonenumbers.Format(n, phonenumbers.E164)
	if channel, ok := fictionalNumber(e164); ok {
		return e164, channel, true
	}
	if !phonenumbers.IsValidNumber(n) {
		return "", "", false
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return e164, SMS, true
	}
	return e164, Phone, true
}

// fictionalNumber knows the French numbers that the regulator keeps for fiction (ARCEP,
// decision 2018-0881): no subscriber ever has them, and the numbering library refuses
// them, but demonstrations and tests live on them.
func fictionalNumber(e164 string) (Channel, bool) {
	if len(e164) != 12 {
		return "", false
	}
	switch e164[:8] {
	case "+3363998":
		return SMS, true
	case "+3319900", "+3326191", "+3335301", "+3346571", "+3353649":
		return Phone, true
	}
	return "", false
}

// readEmail tells whether a text can be one mail address, and gives it trimmed. It is
// only evidence: an address is proved by an answer.
func readEmail(raw string) (address string, ok bool) {
	address = strings.TrimSpace(raw)
	local, host, found := strings.Cut(address, "@")
	if !found || local == "" || len(address) > 254 || strings.ContainsAny(address, " ,;<>()\"\\") || strings.ContainsFunc(address, unicode.IsControl) ||
		!strings.Contains(host, ".") || strings.HasPrefix(host, ".") || strings.HasSuffix(host, ".") || strings.Contains(host, "@") {
		return "", false
	}
	return address, true
}
