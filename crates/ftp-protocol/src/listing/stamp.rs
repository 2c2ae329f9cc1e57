//! What the text of a date tells, in whatever order and language: a stamp. Three numbers such as `03-04-05` can be
//! read in several orders; which one holds is found from all dates of a listing.

use super::asian::{Marked, Unit, marked};
use super::date::{Date, Time, Zone};
use super::months::month;
use super::words::{is_time, is_year, number};

/// Two digits from here on are a year of the twentieth century, as in POSIX and earlier ones of the next.
const FIRST_YEAR_OF_TWO_DIGITS: u64 = 70;

/// The order of three numbers that are a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// `03-14-24`.
    Month,
    /// `14-03-24`.
    Day,
    /// `24-03-14`.
    Year,
}

impl Order {
    pub const ALL: [Self; 3] = [Self::Month, Self::Day, Self::Year];
}

/// Three numbers, each with how many digits it has.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    parts: [(u64, usize); 3],
    separator: u8,
}

/// What the text of a date tells.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stamp {
    year: Option<i16>,
    month: Option<u8>,
    day: Option<u8>,
    /// Numbers of one or two digits of which nothing else is known.
    small: [Option<u8>; 2],
    numbers: Option<Numbers>,
    time: Option<Time>,
    afternoon: Option<bool>,
    offset: Option<i16>,
}

impl Stamp {
    /// Reads the text of a date.
    pub fn read(text: &[u8]) -> Self {
        let mut stamp = Self::default();
        for token in text.split(|byte| matches!(byte, b' ' | b'\t' | b',')) {
            if let Some(first) = token.first() {
                if first.is_ascii_digit() {
                    stamp.take_digits(token)
                } else {
                    stamp.take_word(token)
                };
            }
        }
        stamp
    }

    /// The orders in which the three numbers give a day; `None`: the date is no three numbers.
    pub fn orders(&self) -> Option<impl Iterator<Item = Order>> {
        let numbers = self.numbers?;
        Some(Order::ALL.into_iter().filter(move |&order| numbers.in_order(order).is_some()))
    }

    /// The character between the three numbers.
    pub fn separator(&self) -> Option<u8> {
        self.numbers.map(|numbers| numbers.separator)
    }

    /// The first and the last of the three numbers, if both have two digits.
    pub fn ends(&self) -> Option<[u8; 2]> {
        let [first, _, last] = self.numbers?.parts;
        let number = |(number, digits): (u64, usize)| u8::try_from(number).ok().filter(|_| digits == 2);
        Some([number(first)?, number(last)?])
    }

    /// The date, its three numbers read in the first of these orders that gives a day. `None`: the text tells no date.
    pub fn date(&self, orders: [Order; 3]) -> Option<Date> {
        let date = match &self.numbers {
            Some(numbers) => orders.into_iter().find_map(|order| numbers.in_order(order))?,
            None => self.named_date()?,
        };
        let zone = self.offset.map_or(Zone::Server, Zone::Offset);
        Some(Date { time: self.clock_time(), zone, ..date })
    }

    /// The date of month and day; numbers that nothing names are these two, the month first where it can be.
    fn named_date(&self) -> Option<Date> {
        let (month, day) = match (self.month, self.day, self.small) {
            (None, None, [Some(day), Some(month)]) if day > 12 => (month, day),
            (None, None, [Some(month), Some(day)]) => (month, day),
            (month, day, [small, _]) => (month.or(small)?, day.or(small)?),
        };
        Date::new(self.year, month, day)
    }

    /// The time, with AM or PM taken into account (12 AM is midnight).
    fn clock_time(&self) -> Option<Time> {
        let time = self.time?;
        let Some(afternoon) = self.afternoon else { return Some(time) };
        if time.hour > 12 {
            return Some(time);
        }
        let hour = time.hour.checked_rem(12)?;
        Some(Time { hour: if afternoon { hour.checked_add(12)? } else { hour }, ..time })
    }

    fn take_digits(&mut self, token: &[u8]) {
        let bare = token.strip_suffix(b".").unwrap_or(token);
        if let Some(count) = small_number(bare) {
            if let Some(free) = self.small.iter_mut().find(|place| place.is_none()) {
                *free = Some(count);
            }
        } else if is_year(bare) {
            self.year = number(bare).and_then(|year| i16::try_from(year).ok());
        } else if token.contains(&b':') {
            self.take_time(token);
        } else if let Some(found) = marked(token) {
            self.take_marked(found);
        } else {
            self.take_dashed(token);
        }
    }

    fn take_word(&mut self, token: &[u8]) {
        match token {
            [b'A' | b'a'] | [b'A' | b'a', b'M' | b'm'] => self.afternoon = Some(false),
            [b'P' | b'p'] | [b'P' | b'p', b'M' | b'm'] => self.afternoon = Some(true),
            [sign @ (b'+' | b'-'), digits @ ..] if digits.len() == 4 => {
                self.offset = number(digits).and_then(|digits| minutes_east(*sign, digits));
            }
            _ if token.contains(&b'-') => self.take_dashed(token),
            _ => self.month = month(token).or(self.month),
        }
    }

    fn take_time(&mut self, token: &[u8]) {
        let (bare, half) = split_half(token);
        if !is_time(bare) {
            return;
        }
        self.afternoon = half.or(self.afternoon);
        let mut parts = bare.split(|byte| matches!(byte, b':' | b'.'));
        let mut next = || parts.next().and_then(small_number);
        let (hour, minute, second) = (next(), next(), next());
        self.time = hour.zip(minute).and_then(|(hour, minute)| Time::new(hour, minute, second)).map(|time| {
            let fraction = parts.next();
            Time { nanosecond: fraction.map_or(0, nanoseconds), ..time }
        });
    }

    fn take_marked(&mut self, found: [Option<Marked>; 3]) {
        for (count, unit) in found.into_iter().flatten() {
            let small = u8::try_from(count).ok();
            match unit {
                Some(Unit::Year) => self.year = full_year(count, if count < 100 { 2 } else { 4 }),
                Some(Unit::Month) => self.month = small,
                Some(Unit::Day) | None => self.day = small,
            }
        }
    }

    /// `03-14-24`, `03-14`, `14-Mar-2024`, `Mar-14-2024`.
    fn take_dashed(&mut self, token: &[u8]) {
        let Some(&separator) = token.iter().find(|byte| matches!(byte, b'-' | b'/' | b'.')) else { return };
        let mut groups = token.split(|&byte| byte == separator);
        let (Some(a), Some(b), c) = (groups.next(), groups.next(), groups.next()) else { return };
        if groups.next().is_some() {
            return;
        }
        let Some(c) = c else {
            self.small = [a, b].map(|part| number(part).and_then(|part| u8::try_from(part).ok()));
            return;
        };
        let numbers = [a, b, c].map(|part| number(part).map(|count| (count, part.len())));
        match numbers {
            [Some(a), Some(b), Some(c)] => self.numbers = Some(Numbers { parts: [a, b, c], separator }),
            [day, _, Some((year, digits))] | [_, day, Some((year, digits))] if day.is_some() => {
                self.month = month(a).or_else(|| month(b));
                self.day = day.and_then(|(day, _)| u8::try_from(day).ok());
                self.year = full_year(year, digits);
                if self.year.is_none() {
                    self.month = None;
                }
            }
            _ => {}
        }
    }
}

impl Numbers {
    /// The date if the numbers stand in this order.
    fn in_order(&self, order: Order) -> Option<Date> {
        let [a, b, c] = self.parts;
        let (year, month, day) = match order {
            Order::Month => (c, a, b),
            Order::Day => (c, b, a),
            Order::Year => (a, b, c),
        };
        if month.1 > 2 || day.1 > 2 || month.0 > 12 || day.0 > 31 {
            return None;
        }
        Date::new(Some(full_year(year.0, year.1)?), u8::try_from(month.0).ok()?, u8::try_from(day.0).ok()?)
    }
}

/// The date of a `modify` fact: `YYYYMMDDHHMMSS`, perhaps with a fraction, in UTC (RFC 3659 section 2.3).
pub(super) fn of_fact(text: &[u8]) -> Option<Date> {
    let mut parts = text.splitn(2, |&byte| byte == b'.');
    let (digits, fraction) = (parts.next()?, parts.next());
    // Servers that wrote "19" and the years since 1900 got five digits for the year 2000 and all later ones.
    let (year, rest) = match digits {
        [b'1', b'9', year @ b'1'..=b'2', rest @ ..] if digits.len() == 15 => {
            let (tens, rest) = rest.split_at_checked(2)?;
            let hundreds = i16::from(year.checked_sub(b'0')?).checked_mul(100)?;
            (i16::from(small_number(tens)?).checked_add(hundreds)?.checked_add(1900)?, rest)
        }
        _ => {
            let (year, rest) = digits.split_at_checked(4)?;
            let (century, year) = year.split_at_checked(2)?;
            let century = i16::from(small_number(century)?).checked_mul(100)?;
            (century.checked_add(i16::from(small_number(year)?))?, rest)
        }
    };
    let pair = |from: usize| small_number(rest.get(from..from.checked_add(2)?)?);
    let date = Date::new(Some(year), pair(0)?, pair(2)?)?;
    let time = match rest.len() {
        10 => Some(Time::new(pair(4)?, pair(6)?, Some(pair(8)?))?),
        8 => Some(Time::new(pair(4)?, pair(6)?, None)?),
        4 => None,
        _ => return None,
    };
    let time = time.map(|time| Time { nanosecond: fraction.map_or(0, nanoseconds), ..time });
    Some(Date { time, zone: Zone::Utc, ..date })
}

/// A time without the AM or PM (or `a`, `p`) at its end, and whether it was PM.
pub(super) fn split_half(time: &[u8]) -> (&[u8], Option<bool>) {
    let without_m = time.strip_suffix(b"M").or_else(|| time.strip_suffix(b"m")).unwrap_or(time);
    match without_m.split_last() {
        Some((b'A' | b'a', bare)) => (bare, Some(false)),
        Some((b'P' | b'p', bare)) => (bare, Some(true)),
        _ => (time, None),
    }
}

/// The year of so many digits: two are of 1970 to 2069, three count from 1900.
fn full_year(year: u64, digits: usize) -> Option<i16> {
    let full = match digits {
        2 if year < FIRST_YEAR_OF_TWO_DIGITS => year.checked_add(2000)?,
        2 | 3 => year.checked_add(1900)?,
        4 => year,
        _ => return None,
    };
    i16::try_from(full).ok()
}

/// One or two digits as a number.
fn small_number(digits: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| byte.checked_sub(b'0').filter(|digit| *digit < 10);
    match digits {
        [one] => digit(one),
        [ten, one] => digit(ten)?.checked_mul(10)?.checked_add(digit(one)?),
        _ => None,
    }
}

/// Minutes east of UTC of `+0530`.
fn minutes_east(sign: u8, digits: u64) -> Option<i16> {
    let (hours, minutes) = (digits.checked_div(100)?, digits.checked_rem(100)?);
    let east = i16::try_from(hours.checked_mul(60)?.checked_add(minutes)?).ok()?;
    if sign == b'-' { east.checked_neg() } else { Some(east) }
}

/// Billionths of a second of the digits behind the point.
fn nanoseconds(fraction: &[u8]) -> u32 {
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).chain([b'0'; 9].iter()).take(9);
    digits.fold(0, |sum: u32, digit| {
        sum.saturating_mul(10).saturating_add(u32::from(digit.saturating_sub(b'0')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Year-month-day time zone of a text, read with its month first where nothing speaks against it.
    fn tell(text: &str) -> String {
        let date = Stamp::read(text.as_bytes()).date(Order::ALL);
        date.map_or("none".into(), |date| show(&date))
    }

    fn show(date: &Date) -> String {
        let year = date.year.map_or("~".into(), |year| year.to_string());
        let time = date.time.map_or("~".into(), |time| {
            let second = time.second.map_or(String::new(), |second| format!(":{second:02}"));
            let fraction =
                if time.nanosecond > 0 { format!(".{:09}", time.nanosecond) } else { String::new() };
            format!("{:02}:{:02}{second}{fraction}", time.hour, time.minute)
        });
        format!("{year}-{:02}-{:02} {time} {:?}", date.month, date.day, date.zone)
    }

    #[test]
    fn texts_are_dates() {
        for (text, expected) in [
            ("Mar 14 09:26", "~-03-14 09:26 Server"),
            ("Mar 14  2024", "2024-03-14 ~ Server"),
            ("14 Mar 09:26", "~-03-14 09:26 Server"),
            ("Mar 14 09:26:53 2024", "2024-03-14 09:26:53 Server"),
            ("14.   März  2024", "2024-03-14 ~ Server"),
            ("26. Juli, 20:10", "~-07-26 20:10 Server"),
            ("Oct 08, 2002 09:47", "2002-10-08 09:47 Server"),
            ("2024-03-14 09:26:53.589793238 +0130", "2024-03-14 09:26:53.589793238 Offset(90)"),
            ("2024-03-14 09:26:53 -0500", "2024-03-14 09:26:53 Offset(-300)"),
            ("03-14-24  12:26AM", "2024-03-14 00:26 Server"),
            ("03-14-24  12:26PM", "2024-03-14 12:26 Server"),
            ("03-14-99  09:26 PM", "1999-03-14 21:26 Server"),
            ("03-14-70  09:26p", "1970-03-14 21:26 Server"),
            ("04-23-103 10:57", "2003-04-23 10:57 Server"),
            ("14.03.2024  09:26", "2024-03-14 09:26 Server"),
            ("09-26 2000", "2000-09-26 ~ Server"),
            ("4 8 09:26", "~-04-08 09:26 Server"),
            ("14-MAR-2024 09:26:53.07", "2024-03-14 09:26:53.070000000 Server"),
            ("Feb-28-1998  05:23:30", "1998-02-28 05:23:30 Server"),
            ("4-Mar-01  23:50:06", "2001-03-04 23:50:06 Server"),
            ("2024年 3月 14日", "2024-03-14 ~ Server"),
            ("3月14日 09:26", "~-03-14 09:26 Server"),
            ("2024. márc. 14.", "2024-03-14 ~ Server"),
            ("05/07/96  Tues.   14:05:15", "1996-05-07 14:05:15 Server"),
            ("Mar 14 24:00", "~-03-14 24:00 Server"),
            ("Mar 14 24:13", "~-03-14 ~ Server"),
            ("Feb 29  2023", "none"),
            ("xyz 14 09:26", "none"),
            ("26-09 2000", "2000-09-26 ~ Server"),
            ("14-13", "none"),
            ("Mar", "none"),
            ("", "none"),
        ] {
            assert_eq!(tell(text), expected, "{text}");
        }
    }

    #[test]
    fn three_numbers_have_the_orders_that_give_a_day() {
        use Order::{Day, Month, Year};
        for (text, expected) in [
            ("03-04-05", Some(vec![Month, Day, Year])),
            ("03-14-24", Some(vec![Month])),
            ("14-03-24", Some(vec![Day, Year])),
            ("2024-03-14", Some(vec![Year])),
            ("03-04-2024", Some(vec![Month, Day])),
            ("31-31-31", Some(vec![])),
            ("Mar 14", None),
        ] {
            let stamp = Stamp::read(text.as_bytes());
            assert_eq!(stamp.orders().map(Iterator::collect), expected, "{text}");
        }
    }

    #[test]
    fn first_order_that_gives_a_day_holds() {
        let read = |text: &str, orders| {
            let date: Date = Stamp::read(text.as_bytes()).date(orders).unwrap();
            (date.year.unwrap(), date.month, date.day)
        };
        assert_eq!(read("03-04-05", [Order::Day, Order::Month, Order::Year]), (2005, 4, 3));
        assert_eq!(read("03-04-05", [Order::Year, Order::Month, Order::Day]), (2003, 4, 5));
        assert_eq!(read("03-14-05", [Order::Day, Order::Month, Order::Year]), (2005, 3, 14));
    }

    #[test]
    fn facts_are_in_utc() {
        for (text, expected) in [
            ("20240314092653", "2024-03-14 09:26:53 Utc"),
            ("20240314092653.589", "2024-03-14 09:26:53.589000000 Utc"),
            ("191240314092653", "2024-03-14 09:26:53 Utc"),
            ("202403140926", "2024-03-14 09:26 Utc"),
            ("20240314", "2024-03-14 ~ Utc"),
            ("18991231000000", "1899-12-31 00:00:00 Utc"),
            ("2024031409265x", "none"),
            ("20241314092653", "none"),
            ("20240314256153", "none"),
            ("2024031409265", "none"),
            ("now", "none"),
            ("", "none"),
        ] {
            let told = of_fact(text.as_bytes()).map_or("none".into(), |date| show(&date));
            assert_eq!(told, expected, "{text}");
        }
    }
}
