//! Groups whose members are at several providers (`docs/mtp.md`, sections 8 to 11): real nodes, real MLS.

use drawbridge_testkit::{Change, Circle, policy};

#[tokio::test]
async fn people_of_three_providers_talk_in_a_group() {
    let circle = Circle::of(3).await;
    let (ann, ben, cat) =
        (circle.person(0, "ann").await, circle.person(1, "ben").await, circle.person(2, "cat").await);
    let tea = ann.creates("tea", &policy(&[ann.user()])).await;
    circle.connects(ann.user(), ben.user()).await;
    circle.connects(ann.user(), cat.user()).await;

    // Ben's operator agrees; Cat's own client does.
    circle.authorizes(&ann, &tea, ben.user()).await;
    let asked = ann.asks_to_add(&tea, cat.user()).await;
    let id = asked.id;
    circle
        .home(cat.user())
        .until("the request comes", move |view| Ok(view.authorizations_by_id(id)?.pop()))
        .await;
    cat.decides(asked, "approve").await;
    circle.is_authorized(&ann, asked).await;

    let claimed = ann.claims(&tea, &[ben.user(), cat.user()]).await;
    let commit = ann.commit(&tea, Change::adding(&claimed));
    let placed = ann.does(&tea, &commit).await;
    assert_eq!(placed.seq, 2);
    ann.reaches(&tea, 1).await;
    for joined in [&ben, &cat] {
        joined.comes_into(&tea).await;
        assert_eq!(joined.authenticator(&tea), ann.authenticator(&tea));
        assert_eq!(joined.members(&tea), [ann.uri(), ben.uri(), cat.uri()].map(Clone::clone));
    }

    let hello = ann.does(&tea, &ann.says(&tea, "hello")).await;
    assert_eq!(hello.seq, 3);
    for other in [&ben, &cat] {
        assert_eq!(other.hears_said(&tea, "hello").await.by, *ann.uri());
    }
    ben.does(&tea, &ben.says(&tea, "hello from ben")).await;
    cat.does(&tea, &cat.says(&tea, "hello from cat")).await;
    for all in [&ann, &ben, &cat] {
        let heard = all
            .hears("all have spoken", |device| Some(device.heard(&tea)).filter(|heard| heard.len() == 3))
            .await;
        assert_eq!(heard.iter().map(|said| said.seq).collect::<Vec<_>>(), [3, 4, 5]);
    }
}
