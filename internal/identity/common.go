package identity

import (
	"strings"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn/frequency"
)

// commonPasswords are those that are guessed first, in small letters: of a list
// of 30,000 leaked ones in the order of how often they were used, what is long
// enough to be taken (ASVS 5.0 6.2.4 asks for 3,000 such), and ours.
func commonPasswords() map[string]bool {
	all := youngPasswords()
	for _, p := range frequency.FrequencyLists["passwords"] {
		if utf8.RuneCountInString(p) >= MinPassword {
			all[strings.ToLower(p)] = true
		}
	}
	return all
}

// youngPasswords are what leads newer lists, or is made to pass rules of
// composition.
func youngPasswords() map[string]bool {
	return map[string]bool{
		"password": true, "password1": true, "password12": true, "password123": true, "password1234": true,
		"passw0rd": true, "p@ssw0rd": true, "p@ssword": true, "pa$$word": true, "pa$$w0rd": true,
		"1234567890": true, "0123456789": true, "9876543210": true, "0987654321": true, "1234567891": true,
		"12341234": true, "12344321": true, "123123123": true, "123321123": true, "11223344": true,
		"112233445566": true, "12121212": true, "123454321": true, "147258369": true, "741852963": true,
		"987654321": true, "1q2w3e4r": true, "1q2w3e4r5t": true, "1qaz2wsx": true, "1qaz2wsx3edc": true,
		"qwertyui": true, "qwertyuiop": true, "qwerty12": true, "qwerty123": true, "qwerty1234": true,
		"qwertzuiop": true, "azertyuiop": true, "asdfghjk": true, "asdfghjkl": true, "zxcvbnm123": true,
		"qazwsxedc": true, "zaq12wsx": true, "q1w2e3r4": true, "q1w2e3r4t5": true, "asdf1234": true,
		"abcd1234": true, "abc12345": true, "abc123456": true, "a1b2c3d4": true, "aa123456": true,
		"iloveyou": true, "iloveyou1": true, "princess": true, "princess1": true, "sunshine": true,
		"sunshine1": true, "football": true, "football1": true, "baseball": true, "baseball1": true,
		"basketball": true, "superman": true, "superman1": true, "batman123": true, "starwars": true,
		"pokemon123": true, "michelle": true, "jennifer": true, "jessica1": true, "charlie1": true,
		"michael1": true, "liverpool": true, "arsenal1": true, "chelsea1": true, "computer": true,
		"internet": true, "samsung1": true, "whatever": true, "trustno1": true, "letmein1": true,
		"letmein123": true, "welcome1": true, "welcome12": true, "welcome123": true, "welcome2024": true,
		"changeme": true, "changeme1": true, "changeme123": true, "administrator": true, "admin123": true,
		"admin1234": true, "adminadmin": true, "rootroot": true, "root1234": true, "test1234": true,
		"testtest": true, "test12345": true, "guest123": true, "user1234": true, "default1": true,
		"secret123": true, "master123": true, "monkey123": true, "dragon123": true, "shadow123": true,
		"summer2024": true, "summer2025": true, "winter2024": true, "winter2025": true, "mustang1": true,
		"corvette": true, "maverick": true, "blink182": true, "babygirl": true, "lovelove": true,
		"gatehouse": true, "gatehouse1": true, "gatehouse123": true,
	}
}
