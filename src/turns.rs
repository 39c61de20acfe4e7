//! What only so many may do at a time, and each person only some of that, so that nobody keeps
//! all others from it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The turns of one kind of work.
#[derive(Debug)]
pub struct Turns {
    all: usize,
    each: usize,
    /// How many each person has, by subject.
    taken: Mutex<HashMap<String, usize>>,
}

/// The right to do the work once, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Arc<Turns>,
    person: String,
}

/// Why there is no turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The person has as many as anyone gets.
    ByThem,
    /// All are taken.
    ByAll,
}

impl Turns {
    /// Turns for `all` at a time, `each` for one person.
    pub fn new(all: usize, each: usize) -> Arc<Self> {
        Arc::new(Self {
            all,
            each,
            taken: Mutex::default(),
        })
    }

    /// A turn for the person with this subject.
    ///
    /// # Errors
    /// Who has it instead.
    pub fn take(self: &Arc<Self>, person: &str) -> Result<Turn, Taken> {
        let mut taken = self.taken();
        let of_person = taken.get(person).copied().unwrap_or(0);
        if of_person >= self.each {
            return Err(Taken::ByThem);
        }
        if taken.values().sum::<usize>() >= self.all {
            return Err(Taken::ByAll);
        }
        taken.insert(person.to_owned(), of_person + 1);
        Ok(Turn {
            turns: Arc::clone(self),
            person: person.to_owned(),
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.turns.taken();
        if let Some(of_person) = taken.get_mut(&self.person) {
            *of_person -= 1;
            if *of_person == 0 {
                taken.remove(&self.person);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_more_than_their_share_and_all_no_more_than_there_are() {
        let turns = Turns::new(3, 2);
        let first = turns.take("ana").unwrap();
        let _second = turns.take("ana").unwrap();
        assert_eq!(turns.take("ana").unwrap_err(), Taken::ByThem);
        let bob = turns.take("bob").unwrap();
        assert_eq!(turns.take("bob").unwrap_err(), Taken::ByAll);
        drop(first);
        assert_eq!(turns.take("eve").map(drop), Ok(()));
        turns.take("ana").unwrap();
        drop(bob);
        assert_eq!(turns.taken().len(), 1, "who has none is forgotten");
    }
}
