package directory

// Mobile reads a number that somebody wrote in a school of a region, and gives it in
// E.164; false for what is no number there, or one that takes no SMS.
func Mobile(raw, region string) (e164 string, ok bool) {
	e164, channel, ok := readPhone(raw, region)
	return e164, ok && channel == SMS
}
