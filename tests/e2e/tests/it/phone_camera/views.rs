//! The phone page reads the code in every film.

use anyhow::{Context as _, Result};
use scanlogin_e2e::Site;
use scanlogin_e2e::phone_page::wait_for_step;
use scanlogin_film::{Film, VIEWS, View};

use super::{EXAMPLE_PAGE, LOGIN_PAGE, open, result, start_camera};

#[tokio::test]
async fn code_with_a_link_is_read_in_every_view() -> Result<()> {
    read_views(LOGIN_PAGE, &VIEWS).await
}

#[tokio::test]
async fn code_with_json_is_read_in_every_view() -> Result<()> {
    read_views(EXAMPLE_PAGE, &VIEWS).await
}

async fn read_views(page: &str, views: &[(&str, View)]) -> Result<()> {
    let site = Site::start().await?;
    let (computer, phone) = open(&site, page, "alice").await?;
    for (name, view) in views {
        let read = async {
            phone.point_camera_at(&computer.shown_code().await?.film(view))?;
            wait_for_step(&phone, "approve").await?;
            // The next view is of another code, and the page needs another click to get it.
            phone.click("#decline").await?;
            result(&phone).await?;
            phone.point_camera_at(&Film::of_a_wall())?;
            phone.click("#scan-again").await?;
            start_camera(&phone).await?;
            computer.wait_for_state("cancelled").await?;
            computer.click_widget().await
        };
        read.await.with_context(|| format!("the view `{name}`"))?;
    }
    computer.close().await?;
    phone.close().await
}
