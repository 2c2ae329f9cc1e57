//! In which order three numbers are a date: what one line leaves open, all lines together often tell.

use std::cmp::Reverse;

use super::stamp::{Order, Stamp};

/// What the dates of a listing that are three numbers say on their order.
#[derive(Debug, Default)]
pub(super) struct Votes {
    /// How many dates can be read with the month first, with the day first, and with the year first.
    month: u32,
    day: u32,
    year: u32,
    /// The first and the last numbers that have two digits, a bit each.
    firsts: u128,
    lasts: u128,
}

impl Votes {
    /// Counts a date, and gives in how many orders it can be read.
    pub fn count(&mut self, stamp: &Stamp) -> usize {
        let Some(orders) = stamp.orders() else { return 0 };
        if let Some([first, last]) = stamp.ends() {
            self.firsts |= bit(first);
            self.lasts |= bit(last);
        }
        orders.fold(0, |possible, order| {
            let votes = match order {
                Order::Month => &mut self.month,
                Order::Day => &mut self.day,
                Order::Year => &mut self.year,
            };
            *votes = votes.saturating_add(1);
            possible.saturating_add(1)
        })
    }

    /// The same orders, those first that more dates allow.
    pub fn sort(&self, mut orders: [Order; 3]) -> [Order; 3] {
        // Where days can be years and years days, the year is what differs less.
        let year_first = self.firsts.count_ones() < self.lasts.count_ones();
        orders.sort_by_key(|order| match order {
            Order::Month => (Reverse(self.month), false),
            Order::Day => (Reverse(self.day), year_first),
            Order::Year => (Reverse(self.year), false),
        });
        orders
    }
}

fn bit(number: u8) -> u128 {
    1_u128.checked_shl(u32::from(number)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first of the orders, the month first if nothing is known, after these dates.
    fn first_after(dates: &[&str]) -> Order {
        let mut votes = Votes::default();
        for date in dates {
            votes.count(&Stamp::read(date.as_bytes()));
        }
        votes.sort(Order::ALL)[0]
    }

    #[test]
    fn one_date_settles_all() {
        assert_eq!(first_after(&[]), Order::Month);
        assert_eq!(first_after(&["03-04-05", "04-05-06"]), Order::Month);
        assert_eq!(first_after(&["03-04-2005", "14-05-2006"]), Order::Day);
        assert_eq!(first_after(&["03-04-2005", "05-14-2006"]), Order::Month);
        assert_eq!(first_after(&["03-04-05", "99-05-06"]), Order::Year);
    }

    #[test]
    fn years_differ_less_than_days() {
        assert_eq!(first_after(&["19-04-01", "19-05-14", "20-06-30"]), Order::Year);
        assert_eq!(first_after(&["01-04-19", "14-05-19", "30-06-20"]), Order::Day);
    }

    #[test]
    fn what_is_no_day_does_not_count() {
        assert_eq!(first_after(&["31-31-31", "14-05-2006", "Mar 14 09:26"]), Order::Day);
    }
}
